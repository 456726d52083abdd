#include "command_line.h"

#include <gradus/core/base/error.h>
#include <gradus/core/base/text.h>
#include <gradus/datasets/open_dataset.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>
#include <iostream>
#include <limits>
#include <set>
#include <string_view>

#include "../support/option_checks.h"
#include "recipe.h"

namespace gradus::examples {

namespace {

namespace fs = std::filesystem;

const CLI::Validator positive = finite_number("above 0", [](double x) { return x > 0; });
const CLI::Validator from_0_to_1 =
    finite_number("from 0 to 1", [](double x) { return x >= 0 && x <= 1; });

// --- Options -------------------------------------------------------------------------------------

/// The heading of options that may change when a run goes on.
constexpr const char* not_of_the_run = "Options that may also stand beside --resume";

void add_train_options(CLI::App& app, TrainOptions& o) {
  constexpr uint64_t many = uint64_t{1} << 40;
  const CLI::Validator any("");
  const auto add = [&app](const std::string& name, auto& value, const CLI::Validator& check,
                          const std::string& help) {
    return app.add_option(name, value, help)->check(check);
  };
  const auto add_with_default = [&](auto&&... arguments) {
    add(arguments...)->capture_default_str();
  };
  // First, so that every other option has the last word.
  app.add_option_function<std::string>(
         "--recipe", [&o](const std::string& name) { o = recipe(name); },
         "options that go together: default; fast is 99 % of MNIST in seconds, best takes minutes")
      ->check(one_of(recipe_names()));
  add_with_default("--dataset", o.dataset, one_of(data::dataset_names()),
                   "auto, synthetic, mnist, fashion-mnist, kmnist ...");
  add("--data", o.data_directory, not_empty(), "folder that holds the files");
  add_with_default("--model", o.model, not_empty(),
                   "cnn, small, deep, lenet, mlp, lstm or a model file (.json)");
  add_with_default("--norm", o.norm, any, "norm of the cnn: none, batch, layer, instance or group");
  add("--init", o.init, not_empty(), "weights to start from: .safetensors, .pt, or a checkpoint");
  add_with_default("--epochs", o.epochs, whole_number(1, 100'000),
                   "in all; beside --resume, the schedule is that of so many from there on");
  add_with_default("--batch-size", o.batch_size, whole_number(1, 65'536), "");
  add("--lr", o.lr, positive, "peak learning rate; by default what suits the optimizer");
  add_with_default("--optimizer", o.optimizer, one_of(optimizer_names()),
                   "adam, adamw, nadam, radam, adamax, lion, sgd, rmsprop, adagrad or adadelta");
  add_with_default("--schedule", o.schedule, one_of(schedule_names()),
                   "of the learning rate: linear, cosine, onecycle, step or constant");
  add("--clip-grad-norm", o.clip_grad_norm, positive, "longest gradient that is not shortened");
  add("--ema", o.ema, from_0_to_1, "test and keep a moving average of the weights with this decay");
  add("--augment", o.augment, not_empty(), "random changes of the images: shift,rotate=15,...");
  add_with_default("--workers", o.workers, whole_number(0, 256), "threads that prepare batches");
  add("--shards", o.shards, whole_number(1, 65'536),
      "parts of each batch; default: 1, with mpirun 8");
  app.add_flag("--sync-batchnorm", o.sync_batchnorm, "batch norm over all shards, not over each");
  add_with_default("--seed", o.seed, whole_number(0, std::numeric_limits<uint64_t>::max()),
                   "of initial weights, validation, order, dropout, augmentation");
  add_with_default("--samples", o.samples, whole_number(0, many),
                   "use the first so many training images only; 0: all");
  add("--validation", o.validation, whole_number(0, many),
      "training images that are held out, to choose the best checkpoint by; default: one in 12 "
      "(5000 of MNIST)");
  add("--out", o.out, not_empty(), "folder to keep config, metrics, model and weights in");
  add("--tensorboard", o.tensorboard, not_empty(), "folder for event files, for TensorBoard");
  app.add_flag("--overwrite", o.overwrite, "replace a run that is in --out already");
  app.add_flag("--json", o.json, "results as one line of JSON, alone on standard output");
  add_with_default("--checkpoint-every", o.checkpoint_every, any,
                   "with --out, save so often: steps (200) or time (30s)");
  add_with_default("--keep", o.keep, whole_number(1, 1'000'000),
                   "with --out, keep the latest so many checkpoints, and the best");
  add_with_default("--on-nan", o.on_nan, one_of({"stop", "skip"}),
                   "where a step gives NaN: stop, or skip it");
  app.add_flag("--profile", o.profile,
               "where the time of the 50th step (or the last) went, by operation");
  for (const char* name : {"--data", "--workers", "--tensorboard", "--json", "--checkpoint-every",
                           "--keep", "--on-nan", "--profile"}) {
    app.get_option(name)->group(not_of_the_run);
  }
}

/// Options that belong to one process: not recorded for the next.
bool is_of_the_process(const std::string& name) {
  constexpr std::array<std::string_view, 6> names = {"--resume", "--out",     "--overwrite",
                                                     "--json",   "--profile", "--threads"};
  return std::find(names.begin(), names.end(), name) != names.end();
}

TrainOptions parse_train_options(const std::vector<std::string>& arguments) {
  CLI::App app;
  TrainOptions options;
  add_train_options(app, options);
  try {
    app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));  // last one first
  } catch (const CLI::ParseError& error) {
    throw IoError("resume", str("another version of this program began the run: ", error.what()),
                  "resume it with that version");
  }
  options.arguments = arguments;
  return options;
}

/// `arguments` without those of the options that `others` name, and `others`.
std::vector<std::string> replaced(std::vector<std::string> arguments,
                                  const std::vector<std::string>& others) {
  std::set<std::string> names;
  for (const std::string& other : others) names.insert(name_of(other));
  std::erase_if(arguments, [&](const std::string& a) { return names.contains(name_of(a)); });
  arguments.insert(arguments.end(), others.begin(), others.end());
  return arguments;
}

struct Setting {
  const char* option;
  std::string value;
};

std::string text_of(double number) {
  std::array<char, 40> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), number).ptr;
  return {text.data(), end};
}

/// What a run cannot change when it goes on.
std::vector<Setting> fixed_settings(const TrainOptions& o) {
  return {{"--dataset", o.dataset},
          {"--model", o.model},
          {"--norm", o.norm},
          {"--init", o.init},
          {"--batch-size", str(o.batch_size)},
          {"--optimizer", o.optimizer},
          {"--lr", text_of(o.lr.value_or(usual_lr(o.optimizer)))},
          {"--schedule", o.schedule},
          {"--clip-grad-norm", o.clip_grad_norm ? text_of(*o.clip_grad_norm) : "not given"},
          {"--ema", text_of(o.ema)},
          {"--augment", o.augment},
          {"--seed", str(o.seed)},
          {"--samples", str(o.samples)},
          {"--validation", o.validation ? str(*o.validation) : "not given"}};
}

bool is_same(const Setting& before, const Setting& now) {
  if (before.value == now.value) return true;
  const std::string_view option = now.option;
  std::error_code error;
  return (option == "--model" || option == "--init") &&
         fs::equivalent(before.value, now.value, error) && !error;
}

void check_fixed_settings(const TrainOptions& before, const TrainOptions& now) {
  const std::vector<Setting> old = fixed_settings(before), present = fixed_settings(now);
  for (size_t i = 0; i < old.size(); ++i) {
    require(is_same(old[i], present[i]), "resume",
            "a run goes on as it was started, but for --epochs; start a new one with --out",
            old[i].option, " cannot change now: it was ", old[i].value, " and is ",
            present[i].value);
  }
}

void check_options_matter(const CLI::App& command, const TrainOptions& options, bool resumed) {
  const auto given = [&](const char* name) { return command.get_option(name)->count() > 0; };
  require(!given("--norm") || options.model == "cnn", "train",
          "it is for the cnn; other nets have the norms that they have",
          "--norm does nothing with --model ", options.model);
  require(!resumed || !options.overwrite, "resume", "leave out one of --resume and --overwrite",
          "--overwrite would delete the run that is to go on");
  for (const char* name : {"--overwrite", "--keep", "--checkpoint-every"}) {
    require(resumed || !options.out.empty() || !given(name), "train", "--out FOLDER keeps the run",
            name, " does nothing without --out");
  }
}

// --- Starting and going on -----------------------------------------------------------------------

std::vector<std::string> given_arguments(const CLI::App& command) {
  std::vector<std::string> arguments;
  for (const CLI::Option* option : command.get_options()) {
    const std::string name = option->get_name();
    if (is_of_the_process(name)) continue;
    for (const std::string& value : option->results()) {
      std::error_code error;
      const bool is_path =  // found from other folders too
          name == "--data" || name == "--init" || name == "--tensorboard";
      const std::string path = is_path ? fs::absolute(value, error).string() : "";
      arguments.push_back(name + "=" + (is_path && !error ? path : value));
    }
  }
  return arguments;
}

void add_run_options(CLI::App& app, SavedRunOptions& o) {
  app.add_option("--run", o.run, "folder that `mnist train --out` wrote")->required();
  app.add_flag("--json", o.json, "results as one line of JSON, alone on standard output");
}

}  // namespace

CommandLine parse_command_line(int argc, char** argv) {
  CommandLine line;
  SavedRunOptions& run = line.saved_run;
  CLI::App app("Small nets on MNIST: train them, test them, let them read pictures.", "mnist");
  app.formatter(std::make_shared<HelpFormatter>());
  app.require_subcommand(1);
  CLI::App& train = *app.add_subcommand("train", "train a net and test it");
  add_train_options(train, line.train);
  train.add_option("--resume", line.resume, "go on with the run in this folder")
      ->check(not_empty());
  CLI::App& eval = *app.add_subcommand("eval", "test a saved net");
  add_run_options(eval, run);
  eval.add_option("--dataset", run.dataset, "other than it was trained on")
      ->check(one_of(data::dataset_names()));
  eval.add_option("--data", run.data_directory, "folder that holds the files")->check(not_empty());
  CLI::App& predict = *app.add_subcommand("predict", "say which digit a picture shows");
  add_run_options(predict, run);
  predict.add_flag("--show", run.show,
                   "print the 28x28 pixels that the net saw, and write NAME-28x28.png here");
  predict.add_option("FILE", line.files, "PNG, JPEG or PGM picture, or IDXFILE:NUMBER")->required();
  CLI::App& report =
      *app.add_subcommand("report", "write a page about a run, or one that compares runs");
  report.add_option("RUN", line.runs, "folders that `mnist train --out` wrote")->required();
  report
      .add_option("--out", line.page,
                  "file to write; default: report.html in the folder of a single run, "
                  "comparison.html here for several")
      ->check(not_empty());
  CLI::App& exporting = *app.add_subcommand("export", "write a saved net for other programs");
  exporting.add_option("RUN", line.export_net.run, "folder that `mnist train --out` wrote")
      ->required();
  exporting.add_option("--onnx", line.export_net.onnx, "file to write")
      ->required()
      ->check(not_empty());
  exporting.add_flag("--with-normalization", line.export_net.with_normalization,
                     "the file takes pixels from 0 to 255 as they are");
  for (CLI::App* command : {&train, &eval, &predict}) {
    command->add_option("--threads", line.threads, "default: one per processor")
        ->check(whole_number(1, 1024));
  }
  for (const char* name : {"--resume", "--threads"}) train.get_option(name)->group(not_of_the_run);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    line.status = app.exit(error) == 0 ? 0 : 1;
    if (line.status == 0) return line;
    const std::string meant = suggestion(app, std::vector<std::string>(argv + 1, argv + argc));
    if (!meant.empty()) std::cerr << meant << '\n';
    return line;
  }
  line.action = train.parsed()       ? Action::train
                : eval.parsed()      ? Action::evaluate
                : report.parsed()    ? Action::report
                : exporting.parsed() ? Action::export_net
                                     : Action::predict;
  if (line.action == Action::train) check_options_matter(train, line.train, !line.resume.empty());
  line.train.arguments = given_arguments(train);
  return line;
}

TrainOptions resumed_options(const std::vector<std::string>& given,
                             const std::vector<std::string>& recorded) {
  const TrainOptions before = parse_train_options(recorded);
  TrainOptions now = parse_train_options(replaced(recorded, given));
  if (now.dataset == "auto") now.dataset = before.dataset;  // that is what was found
  check_fixed_settings(before, now);
  CLI::App app;
  add_train_options(app, now);
  std::vector<std::string> changes = given;
  std::erase_if(changes, [&](const std::string& argument) {
    const std::string name = name_of(argument);
    return name != "--epochs" && app.get_option(name)->get_group() != not_of_the_run;
  });
  return parse_train_options(replaced(recorded, changes));
}

}  // namespace gradus::examples
