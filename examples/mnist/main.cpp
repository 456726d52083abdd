// Trains small nets on MNIST and its relatives, tests them and lets them read pictures.
#include <gradus/core/base/parallel_for.h>
#include <gradus/datasets/open_dataset.h>

#include <CLI/CLI.hpp>
#include <exception>
#include <filesystem>
#include <iostream>
#include <new>
#include <string>
#include <vector>

#include "../support/numerics.h"
#include "../support/stop_signal.h"
#include "checkpoint.h"
#include "options.h"
#include "predict.h"
#include "train.h"

namespace {

using namespace gradus::examples;

/// Exit statuses besides 0, 1 for errors, and 128 + the number of a signal.
constexpr int not_finite_status = 3;

void add_run_options(CLI::App& app, SavedRunOptions& o) {
  app.add_option("--run", o.run, "folder that `mnist train --out` wrote")->required();
  app.add_flag("--json", o.json, "results as one line of JSON, alone on standard output");
}

int start(const CLI::App& command, TrainOptions options) {
  options.arguments = given_arguments(command);
  return train(options);
}

/// Throws ValueError where --out names another folder than the run's.
void check_same_folder(const std::string& path, const std::string& out) {
  std::error_code error;
  if (out.empty() || out == path || std::filesystem::equivalent(out, path, error)) return;
  throw gradus::ValueError("resume", gradus::str("--out cannot change now: it is ", out),
                           "the run stays where it is; leave out --out");
}

/// Goes on with a run: as it was started, but for what is given now.
int go_on(const CLI::App& command, const std::string& path, const TrainOptions& given) {
  check_same_folder(path, given.out);
  Console console = given.json ? Console::standard_error() : Console::standard_output();
  InterruptedRun run = open_interrupted_run(path, console);
  TrainOptions options = resumed_options(command, recorded_arguments(run.newest.checkpoint));
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
      ->check(not_empty());
  may_change(*train_command.get_option("--resume"));
  CLI::App& eval_command = *app.add_subcommand("eval", "test a saved net");
  add_run_options(eval_command, run_options);
  eval_command.add_option("--dataset", run_options.dataset, "other than it was trained on")
      ->check(one_of(gradus::data::dataset_names()));
  eval_command.add_option("--data", run_options.data_directory, "folder that holds the files")
      ->check(not_empty());
  CLI::App& predict_command = *app.add_subcommand("predict", "say which digit a picture shows");
  add_run_options(predict_command, run_options);
  predict_command.add_flag(
      "--show", run_options.show,
      "print the 28x28 pixels that the net saw, and write NAME-28x28.png here");
  predict_command.add_option("FILE", files, "PNG, JPEG or PGM picture, or IDXFILE:NUMBER")
      ->required();
  for (CLI::App* command : {&train_command, &eval_command, &predict_command}) {
    command->add_option("--threads", threads, "default: one per processor")
        ->check(whole_number(1, 1024));
  }
  may_change(*train_command.get_option("--threads"));

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (app.exit(error) == 0) return 0;
    const std::string meant = suggestion(app, std::vector<std::string>(argv + 1, argv + argc));
    if (!meant.empty()) std::cerr << meant << '\n';
    return 1;
  }
  if (threads > 0) gradus::set_num_threads(threads);
  report_write_errors();
  if (train_command.parsed()) {
    check_options_matter(train_command, train_options, !resumed.empty());
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
