// Saving a training between two steps, and going on from there.
#pragma once

#include <gradus/core/io/checkpoint.h>
#include <gradus/nn/module.h>
#include <gradus/optim/ema.h>
#include <gradus/optim/optimizer.h>
#include <gradus/optim/schedule.h>

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "../support/console.h"
#include "../support/run_folder.h"
#include "evaluate.h"

namespace gradus::examples {

/// What is added up over the batches of one epoch.
struct EpochSums {
  double loss = 0;  ///< each image's
  double correct = 0;
  int64_t images = 0;
  double seconds = 0;
};

/// Where a training stands between two steps, besides its tensors and random streams.
struct TrainingState {
  int64_t epoch = 0;           ///< that is running, from 0
  int64_t batch = 0;           ///< of it that are done
  int64_t step = 0;            ///< that are done, of all epochs
  int64_t skipped_in_row = 0;  ///< steps before this one that gave NaN
  EpochSums running;           ///< of the epoch that is running
  // Of the epochs before.
  double train_loss = 0;  ///< of the last one
  Evaluation test;        ///< after the last one
  double seconds = 0;
  int64_t images = 0;
  std::optional<int64_t> best_step;  ///< after the epoch that did best in validation
  double best_accuracy = 0;
};

std::string to_text(const TrainingState& state);
/// Throws IoError where the text is none of to_text.
TrainingState training_state(const std::string& text);

/// The objects whose state makes up a training.
struct TrainingParts {
  nn::Module& net;
  optim::Optimizer& optimizer;
  optim::Schedule& schedule;
  optim::EMA* ema;  ///< nullptr where there is none
};

/// Their state, and that of the random streams of this thread.
Checkpoint save_parts(const TrainingParts& parts);
/// Puts it back. Throws where the checkpoint is of another net or optimizer.
void load_parts(const Checkpoint& checkpoint, const TrainingParts& parts);

/// Throws ValueError, naming what differs, unless a run with the configuration `now` would be the
/// one with the configuration `saved` (JSON): the same data, net and recipe, for any number of
/// epochs.
void check_same_run(const std::string& saved, const nlohmann::json& now);

/// The number of epochs in a configuration (JSON); 0 where it does not say.
int64_t recorded_epochs(const std::string& saved);

/// A run to go on with.
struct InterruptedRun {
  RunFolder folder;
  CheckpointFolder::Loaded newest;
};
/// Opens such a run, saying on `console` where a checkpoint was damaged. Throws IoError where the
/// folder has none that is whole.
InterruptedRun open_interrupted_run(const std::string& path, Console& console);
/// Arguments as a checkpoint records them, JSON. Throws ValueError for one that is not UTF-8.
std::string arguments_text(const std::vector<std::string>& arguments);
/// The arguments that a run was started with. Throws IoError where it does not say so.
std::vector<std::string> recorded_arguments(const Checkpoint& checkpoint);

/// How often to save: after so many steps, or when so much time has passed.
struct SaveInterval {
  int64_t steps = 0;
  double seconds = 0;
};
/// "200" means steps, "30s", "5m" and "1h" time. Throws ValueError for anything else.
SaveInterval parse_save_interval(const std::string& text);

}  // namespace gradus::examples
