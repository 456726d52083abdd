// Trains small nets on MNIST and its relatives, tests them and lets them read pictures.
#include <gradus/core/base/parallel_for.h>
#include <gradus/datasets/open.h>

#include <CLI/CLI.hpp>
#include <exception>
#include <iostream>

#include "predict.h"
#include "recipe.h"
#include "train.h"

namespace {

using namespace gradus::examples;

void add_train_options(CLI::App& app, TrainOptions& o) {
  // First, so that every other option has the last word.
  app.add_option_function<std::string>(
         "--recipe", [&o](const std::string& name) { o = recipe(name); },
         "options that go together: fast is 99 % of MNIST in seconds, best takes minutes")
      ->check(CLI::IsMember(recipe_names()));
  app.add_option("--dataset", o.dataset, "auto, synthetic, mnist, fashion-mnist, kmnist ...")
      ->check(CLI::IsMember(gradus::data::dataset_names()))
      ->capture_default_str();
  app.add_option("--data", o.data_directory, "folder that holds the files");
  app.add_option("--model", o.model, "cnn, small, deep, lenet, mlp, lstm or a model file (.json)")
      ->capture_default_str();
  app.add_option("--norm", o.norm, "norm of the cnn: none, batch, layer, instance or group")
      ->capture_default_str();
  app.add_option("--epochs", o.epochs)->check(CLI::Range(1, 100'000))->capture_default_str();
  app.add_option("--batch-size", o.batch_size)->check(CLI::Range(1, 65'536))->capture_default_str();
  app.add_option("--lr", o.lr, "peak learning rate; by default what suits the optimizer")
      ->check(CLI::PositiveNumber);
  app.add_option("--optimizer", o.optimizer)
      ->check(CLI::IsMember(optimizer_names()))
      ->capture_default_str();
  app.add_option("--schedule", o.schedule, "of the learning rate")
      ->check(CLI::IsMember(schedule_names()))
      ->capture_default_str();
  app.add_option("--clip-grad-norm", o.clip_grad_norm, "longest gradient that is not shortened")
      ->check(CLI::PositiveNumber);
  app.add_option("--ema", o.ema, "test and keep a moving average of the weights with this decay")
      ->check(CLI::Range(0.0, 1.0));
  app.add_option("--augment", o.augment, "random changes of the images: shift,rotate=15,...");
  app.add_option("--workers", o.workers, "threads that prepare batches")
      ->check(CLI::Range(0, 256))
      ->capture_default_str();
  app.add_option("--seed", o.seed, "of initial weights, order, dropout and augmentation")
      ->capture_default_str();
  app.add_option("--samples", o.samples, "train on the first so many images only; 0: all")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app.add_option("--out", o.out, "folder to keep config, metrics, model and weights in");
  app.add_flag("--overwrite", o.overwrite, "replace a run that is in --out already");
  app.add_flag("--json", o.json, "results as one line of JSON, alone on standard output");
  app.add_flag("--profile", o.profile,
               "where the time of step 50 (or the last) went, by operation");
}

void add_run_options(CLI::App& app, SavedRunOptions& o) {
  app.add_option("--run", o.run, "folder that `mnist train --out` wrote")->required();
  app.add_flag("--json", o.json, "results as one line of JSON, alone on standard output");
}

int run(int argc, char** argv) {
  CLI::App app("Small nets on MNIST: train them, test them, let them read pictures.", "mnist");
  app.require_subcommand(1);
  int threads = 0;
  TrainOptions train_options;
  SavedRunOptions run_options;
  std::vector<std::string> files;

  CLI::App& train_command = *app.add_subcommand("train", "train a net and test it");
  add_train_options(train_command, train_options);
  CLI::App& eval_command = *app.add_subcommand("eval", "test a saved net");
  add_run_options(eval_command, run_options);
  eval_command.add_option("--dataset", run_options.dataset, "other than it was trained on");
  eval_command.add_option("--data", run_options.data_directory, "folder that holds the files");
  CLI::App& predict_command = *app.add_subcommand("predict", "say which digit a picture shows");
  add_run_options(predict_command, run_options);
  predict_command.add_option("FILE", files, "PNG or PGM picture, or IDXFILE:NUMBER")->required();
  for (CLI::App* command : {&train_command, &eval_command, &predict_command}) {
    command->add_option("--threads", threads, "default: one per processor")
        ->check(CLI::Range(1, 1024));
  }

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 1;
  }
  if (threads > 0) gradus::set_num_threads(threads);
  if (train_command.parsed()) train(train_options);
  if (eval_command.parsed()) evaluate_run(run_options);
  if (predict_command.parsed()) predict(run_options, files);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << "mnist: " << error.what() << '\n';
    return 1;
  }
}
