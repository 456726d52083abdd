// Trains small nets on MNIST and its relatives, tests them and lets them read pictures. What a
// training is: train.cpp. What the command line may say: command_line.cpp.
#include <gradus/core/base/parallel_for.h>
#include <gradus/core/distributed/run_ranks.h>

#include <csignal>
#include <exception>
#include <filesystem>
#include <iostream>
#include <new>

#include "command_line.h"
#include "evaluate_run.h"
#include "predict.h"
#include "report_page.h"
#include "resume.h"
#include "train.h"

namespace {

using namespace gradus::examples;
using gradus::distributed::Communicator;
using gradus::training::RunFolder;

/// Exit statuses besides 0, 1 for errors, and 128 + the number of a signal.
constexpr int not_finite_status = 3;

/// Goes on with a run: as it was started, but for what is given now.
int go_on(const CommandLine& command, Communicator& ranks) {
  const std::string &path = command.resume, &out = command.train.out;
  std::error_code error;
  gradus::require(out.empty() || out == path || std::filesystem::equivalent(out, path, error),
                  "resume", "the run stays where it is; leave out --out",
                  "--out cannot change now: it is ", out);
  gradus::training::Console console(command.train.json ? std::cerr : std::cout);
  std::optional<RunFolder> run;
  if (ranks.rank() == 0) {
    run.emplace(RunFolder::resume(path, {.words = our_words(), .files = our_files()},
                                  [&](const std::string& text) { console.say("damaged", text); }));
  }
  const std::string recorded = run ? run->newest()->checkpoint.text("arguments") : "";
  TrainOptions options =
      resumed_options(command.train.arguments, recorded_arguments(ranks.broadcast_text(recorded)));
  options.out = path;
  options.json = command.train.json;
  options.profile = command.train.profile;
  return train(options, ranks, std::move(run));
}

int run(int argc, char** argv, Communicator& ranks) {
  const CommandLine command = parse_command_line(argc, argv);
  if (command.threads > 0) gradus::set_num_threads(command.threads);
  // A write beyond the limit on the size of files (ulimit -f) or to a pipe that nobody reads any
  // more fails then, as one on a full disk does, rather than end the process without a word.
  for (const int signal : {SIGXFSZ, SIGPIPE}) std::signal(signal, SIG_IGN);
  switch (command.action) {
    case Action::none:
      return command.status;
    case Action::train:
      return command.resume.empty() ? train(command.train, ranks) : go_on(command, ranks);
    case Action::evaluate:
      evaluate_run(command.saved_run);
      return 0;
    case Action::predict:
      predict(command.saved_run, command.files);
      return 0;
    case Action::report:
      report(command.runs, command.page);
      return 0;
    case Action::export_net:
      export_run(command.export_net);
      return 0;
  }
  return 1;
}

/// What was printed may be all that a run was for.
void flush_output() {
  if (std::cout.flush()) return;
  throw gradus::IoError("mnist", "standard output could not be written",
                        "check what it goes to: a full disk, a closed pipe");
}

/// Prints what ended the program, and returns its exit status.
int explain(const std::exception& error) {
  if (dynamic_cast<const std::bad_alloc*>(&error) != nullptr) {
    std::cerr << "mnist: memory ran out. Hint: try a smaller model, --batch-size or --samples, or "
                 "fewer --workers\n";
    return 1;
  }
  std::cerr << "mnist: " << error.what() << '\n';
  const bool not_finite = dynamic_cast<const gradus::training::NotFinite*>(&error) != nullptr;
  return not_finite ? not_finite_status : 1;
}

}  // namespace

int main(int argc, char** argv) {
  return gradus::distributed::run_ranks(
      argc, argv,
      [&](Communicator& ranks) {
        const int status = run(argc, argv, ranks);
        if (status == 0) flush_output();  // else the status says more than a terminal that is gone
        return status;
      },
      explain);
}
