// The command line of `mnist`: its options, which of them fit together, and what may change when a
// run goes on.
#pragma once

#include <string>
#include <vector>

#include "export_run.h"
#include "predict.h"
#include "train.h"

namespace gradus::examples {

enum class Action { none, train, evaluate, predict, report, export_net };

struct CommandLine {
  Action action = Action::none;
  int status = 0;   ///< of none: 0 where help was asked for
  int threads = 0;  ///< 0: one per processor
  TrainOptions train = {};
  std::string resume = {};              ///< the folder of a run to go on with
  SavedRunOptions saved_run = {};       ///< of evaluate and predict
  std::vector<std::string> files = {};  ///< of predict
  std::vector<std::string> runs = {};   ///< of report
  std::string page = {};                ///< of report: the file to write
  ExportOptions export_net = {};
};

/// Prints help, or what is wrong and what was probably meant; the action is none then. Throws
/// ValueError for an option that makes no difference beside the others.
CommandLine parse_command_line(int argc, char** argv);

/// The options of a run that was started with the arguments `recorded` and goes on with the
/// arguments `given`. Throws ValueError where an option that is fixed has another value now.
TrainOptions resumed_options(const std::vector<std::string>& given,
                             const std::vector<std::string>& recorded);

}  // namespace gradus::examples
