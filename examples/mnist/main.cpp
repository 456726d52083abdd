// Trains small nets on MNIST and its relatives, tests them and lets them read pictures.
#include <gradus/core/base/parallel_for.h>
#include <gradus/datasets/open.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <iostream>
#include <new>
#include <set>
#include <string_view>

#include "../support/numerics.h"
#include "../support/stop_signal.h"
#include "checkpoint.h"
#include "predict.h"
#include "recipe.h"
#include "train.h"

namespace {

using namespace gradus::examples;

/// Exit statuses besides 0, 1 for errors, and 128 + the number of a signal.
constexpr int not_finite_status = 3;

/// The heading of options that may change when a run goes on.
constexpr const char* not_of_the_run = "Options that may also stand beside --resume";

/// What CLI::Range and CLI::PositiveNumber let pass: NaN and infinity.
const CLI::Validator finite(
    [](const std::string& text) {
      return std::isfinite(std::strtod(text.c_str(), nullptr)) ? "" : "must be a finite number";
    },
    "", "finite");

/// An unset variable of a script is no name.
const CLI::Validator not_empty(
    [](const std::string& text) { return text.empty() ? "must not be empty" : ""; }, "",
    "not empty");

void add_train_options(CLI::App& app, TrainOptions& o) {
  // First, so that every other option has the last word.
  app.add_option_function<std::string>(
         "--recipe", [&o](const std::string& name) { o = recipe(name); },
         "options that go together: fast is 99 % of MNIST in seconds, best takes minutes")
      ->check(CLI::IsMember(recipe_names()));
  app.add_option("--dataset", o.dataset, "auto, synthetic, mnist, fashion-mnist, kmnist ...")
      ->check(CLI::IsMember(gradus::data::dataset_names()))
      ->capture_default_str();
  app.add_option("--data", o.data_directory, "folder that holds the files")
      ->check(not_empty)
      ->group(not_of_the_run);
  app.add_option("--model", o.model, "cnn, small, deep, lenet, mlp, lstm or a model file (.json)")
      ->check(not_empty)
      ->capture_default_str();
  app.add_option("--norm", o.norm, "norm of the cnn: none, batch, layer, instance or group")
      ->capture_default_str();
  app.add_option("--epochs", o.epochs)->check(CLI::Range(1, 100'000))->capture_default_str();
  app.add_option("--batch-size", o.batch_size)->check(CLI::Range(1, 65'536))->capture_default_str();
  app.add_option("--lr", o.lr, "peak learning rate; by default what suits the optimizer")
      ->check(CLI::PositiveNumber)
      ->check(finite);
  app.add_option("--optimizer", o.optimizer)
      ->check(CLI::IsMember(optimizer_names()))
      ->capture_default_str();
  app.add_option("--schedule", o.schedule, "of the learning rate")
      ->check(CLI::IsMember(schedule_names()))
      ->capture_default_str();
  app.add_option("--clip-grad-norm", o.clip_grad_norm, "longest gradient that is not shortened")
      ->check(CLI::PositiveNumber)
      ->check(finite);
  app.add_option("--ema", o.ema, "test and keep a moving average of the weights with this decay")
      ->check(CLI::Range(0.0, 1.0))
      ->check(finite);
  app.add_option("--augment", o.augment, "random changes of the images: shift,rotate=15,...")
      ->check(not_empty);
  app.add_option("--workers", o.workers, "threads that prepare batches")
      ->check(CLI::Range(0, 256))
      ->group(not_of_the_run)
      ->capture_default_str();
  app.add_option("--seed", o.seed, "of initial weights, order, dropout and augmentation")
      ->capture_default_str();
  app.add_option("--samples", o.samples, "train on the first so many images only; 0: all")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app.add_option("--out", o.out, "folder to keep config, metrics, model and weights in")
      ->check(not_empty);
  app.add_flag("--overwrite", o.overwrite, "replace a run that is in --out already");
  app.add_flag("--json", o.json, "results as one line of JSON, alone on standard output")
      ->group(not_of_the_run);
  app.add_option("--checkpoint-every", o.checkpoint_every,
                 "with --out, save so often: steps (200) or time (30s)")
      ->group(not_of_the_run)
      ->capture_default_str();
  app.add_option("--keep", o.keep, "the latest so many checkpoints, and the best")
      ->check(CLI::Range(1, 1'000'000))
      ->group(not_of_the_run)
      ->capture_default_str();
  app.add_option("--on-nan", o.on_nan, "where a step gives NaN: stop, or skip it")
      ->check(CLI::IsMember({"stop", "skip"}))
      ->group(not_of_the_run)
      ->capture_default_str();
  app.add_flag("--profile", o.profile, "where the time of step 50 (or the last) went, by operation")
      ->group(not_of_the_run);
}

void add_run_options(CLI::App& app, SavedRunOptions& o) {
  app.add_option("--run", o.run, "folder that `mnist train --out` wrote")->required();
  app.add_flag("--json", o.json, "results as one line of JSON, alone on standard output");
}

/// Options that belong to one process: not recorded for the next.
bool is_of_the_process(const std::string& name) {
  constexpr std::array<std::string_view, 6> names = {"--resume", "--out",     "--overwrite",
                                                     "--json",   "--profile", "--threads"};
  return std::find(names.begin(), names.end(), name) != names.end();
}

/// "--name=value" for each option of the run that was given.
std::vector<std::string> given_arguments(const CLI::App& command) {
  std::vector<std::string> arguments;
  for (const CLI::Option* option : command.get_options()) {
    const std::string name = option->get_name();
    if (is_of_the_process(name)) continue;
    for (const std::string& value : option->results()) {
      std::error_code error;
      const bool is_path = name == "--data";  // to be found from other folders too
      const std::string path = is_path ? std::filesystem::absolute(value, error).string() : "";
      arguments.push_back(name + "=" + (is_path && !error ? path : value));
    }
  }
  return arguments;
}

TrainOptions parse_train_options(const std::vector<std::string>& arguments) {
  CLI::App app;
  TrainOptions options;
  add_train_options(app, options);
  try {
    app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));  // last one first
  } catch (const CLI::ParseError& error) {
    throw gradus::IoError(
        "resume", gradus::str("another version of this program began the run: ", error.what()),
        "resume it with that version");
  }
  options.arguments = arguments;
  return options;
}

int start(const CLI::App& command, TrainOptions options) {
  options.arguments = given_arguments(command);
  return train(options);
}

/// Goes on with a run: as it was started, but for what is given now.
int go_on(const CLI::App& command, const std::string& path, const TrainOptions& given) {
  std::set<std::string> anew;
  for (const CLI::Option* option : command.get_options()) {
    if (option->count() == 0) continue;
    if (option->get_group() != not_of_the_run) {
      throw gradus::ValueError("resume", option->get_name() + " cannot change now",
                               "a run goes on as it was started; start a new one with --out");
    }
    anew.insert(option->get_name());
  }
  Console console = given.json ? Console::standard_error() : Console::standard_output();
  InterruptedRun run = open_interrupted_run(path, console);
  std::vector<std::string> arguments = recorded_arguments(run.newest.checkpoint);
  std::erase_if(arguments, [&](const std::string& argument) {
    return anew.contains(argument.substr(0, argument.find('=')));
  });
  for (std::string& argument : given_arguments(command)) {
    arguments.push_back(std::move(argument));
  }
  TrainOptions options = parse_train_options(arguments);
  options.out = path;
  options.json = given.json;
  options.profile = given.profile;
  return resume(options, std::move(run));
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
  std::string resumed;
  train_command.add_option("--resume", resumed, "go on with the run in this folder")
      ->check(not_empty)
      ->group(not_of_the_run);
  CLI::App& eval_command = *app.add_subcommand("eval", "test a saved net");
  add_run_options(eval_command, run_options);
  eval_command.add_option("--dataset", run_options.dataset, "other than it was trained on");
  eval_command.add_option("--data", run_options.data_directory, "folder that holds the files");
  CLI::App& predict_command = *app.add_subcommand("predict", "say which digit a picture shows");
  add_run_options(predict_command, run_options);
  predict_command.add_option("FILE", files, "PNG, JPEG or PGM picture, or IDXFILE:NUMBER")
      ->required();
  for (CLI::App* command : {&train_command, &eval_command, &predict_command}) {
    command->add_option("--threads", threads, "default: one per processor")
        ->check(CLI::Range(1, 1024));
  }
  train_command.get_option("--threads")->group(not_of_the_run);

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 1;
  }
  if (threads > 0) gradus::set_num_threads(threads);
  report_write_errors();
  if (train_command.parsed()) {
    return resumed.empty() ? start(train_command, train_options)
                           : go_on(train_command, resumed, train_options);
  }
  if (eval_command.parsed()) evaluate_run(run_options);
  if (predict_command.parsed()) predict(run_options, files);
  return 0;
}

/// What was printed may be all that a run was for.
void flush_output() {
  if (std::cout.flush()) return;
  throw gradus::IoError("mnist", "standard output could not be written",
                        "check what it goes to: a full disk, a closed pipe");
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const int status = run(argc, argv);
    if (status == 0) flush_output();  // else the status says more than a terminal that is gone
    return status;
  } catch (const NotFinite& error) {
    std::cerr << "mnist: " << error.what() << '\n';
    return not_finite_status;
  } catch (const std::bad_alloc&) {
    std::cerr << "mnist: memory ran out. Hint: try a smaller model, --batch-size or --samples, or "
                 "fewer --workers\n";
    return 1;
  } catch (const std::exception& error) {
    std::cerr << "mnist: " << error.what() << '\n';
    return 1;
  }
}
