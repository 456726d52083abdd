// Training a net on digits.
#pragma once

#include <gradus/core/distributed/communicator.h>
#include <gradus/train/run_folder.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace gradus::examples {

struct TrainOptions {
  std::string dataset = "auto";
  std::string data_directory;
  std::string model = "cnn";
  std::string norm = "batch";
  std::string init;  ///< file with the weights to start from; empty: drawn at random
  int64_t epochs = 3;
  int64_t batch_size = 64;
  std::optional<double>
      lr;  ///< the peak of the schedule; where not given, what suits the optimizer
  std::string optimizer = "adam";
  std::string schedule = "linear";
  std::optional<double> clip_grad_norm;  ///< where not given, gradients are not clipped
  double ema = 0;       ///< decay of the moving average of weights that is tested and kept; 0: none
  std::string augment;  ///< "shift,rotate=15": see parse_augmentation; empty: none
  int workers = 1;      ///< threads that prepare batches
  /// Of each batch; where not given, 1 for a single process and 8 for those of mpirun.
  std::optional<int64_t> shards;
  bool sync_batchnorm = false;  ///< batch norm over all shards, not over each
  uint64_t seed = 0;
  int64_t samples = 0;  ///< use the first so many training images only, and draw no more; 0: all
  /// Training images that are held out to choose the best checkpoint by; by default one in twelve.
  std::optional<int64_t> validation;
  std::string out;          ///< run folder; empty: nothing is kept
  std::string tensorboard;  ///< folder for event files; empty: none are written
  bool overwrite = false;
  bool json = false;
  bool profile = false;                  ///< print where the time of one step went
  std::string checkpoint_every = "30s";  ///< see parse_save_interval; and after every epoch
  int64_t keep = 3;                      ///< of the latest checkpoints
  std::string on_nan = "stop";           ///< or "skip": what to do with a step that gives NaN
  /// What is recorded for a run that goes on: the command line without what belongs to one process.
  std::vector<std::string> arguments;
};

/// Trains as the options say, prints progress and results. Returns the exit status: 0, or 128 + the
/// number of the signal that stopped it in good order. Throws gradus::Error for what the user can
/// mend, NotFinite where a step gave NaN or infinity.
///
/// With `interrupted`, goes on where that run was left. The options must be those it was started
/// with, but for the number of epochs: from the present step on, the schedule is that of so many.
///
/// Every process of `ranks` has to call it. Rank 0 alone has the folder; `interrupted` is its.
int train(const TrainOptions& options, distributed::Communicator& ranks,
          std::optional<training::RunFolder> interrupted = {});

}  // namespace gradus::examples
