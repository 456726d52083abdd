// Training and evaluating a net on digits.
#pragma once

#include <gradus/datasets/open.h>
#include <gradus/nn/module.h>

#include <cstdint>
#include <optional>
#include <ostream>
#include <string>

namespace gradus::examples {

struct TrainOptions {
  std::string dataset = "auto";
  std::string data_directory;
  std::string model = "cnn";
  std::string norm = "batch";
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
  uint64_t seed = 0;
  int64_t samples = 0;  ///< train on the first so many only, and draw no more; 0: all
  std::string out;      ///< run folder; empty: nothing is kept
  bool overwrite = false;
  bool json = false;
  bool profile = false;  ///< print where the time of one step went
};

/// The data set of this name (see data::OpenOptions), saying on `log` which one it is and why. With
/// `samples` no more training images than that are drawn.
data::Found open_data(const std::string& name, const std::string& directory, std::ostream& log,
                      int64_t samples = 0);

struct Evaluation {
  double accuracy = 0;  ///< in [0, 1]
  double loss = 0;
  int64_t images = 0;
  /// Standard error of the accuracy, from the binomial distribution.
  double standard_error() const;
};

/// Accuracy and mean cross entropy of the net in evaluation mode; its mode is put back afterwards.
Evaluation evaluate(nn::Module& net, const data::Dataset& dataset);

/// Trains as the options say, prints progress and results. Throws gradus::Error for what the user
/// can mend.
void train(const TrainOptions& options);

}  // namespace gradus::examples
