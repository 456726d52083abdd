// Data by name, and how well a net does on it.
#pragma once

#include <gradus/datasets/open_dataset.h>
#include <gradus/nn/module.h>
#include <gradus/train/console.h>

#include <cstdint>
#include <functional>
#include <string>

namespace gradus::examples {

/// Which data a command wants.
struct DataRequest {
  std::string name;            ///< see data::OpenOptions
  std::string directory = {};  ///< empty: it is looked for
  bool of_the_run = false;     ///< the directory is where the run had its data
  int64_t samples = 0;         ///< no more training images than that are drawn; 0: any number
  bool test_only = false;      ///< the training images are not wanted
};

/// Throws ValueError for a directory where the data needs none.
void check_data_is_used(const std::string& name, const std::string& directory);

/// Finds it, saying on `console` which data it is and why. Throws IoError, which names --data,
/// where there is none, or no image in it.
data::Found open_data(const DataRequest& request, training::Console& console);

/// Tells other data of the same name and size: a digest of all labels, and of a thousand images
/// from the first to the last, since all of them would take longer than a quick training.
std::string fingerprint(const data::Dataset& dataset);

struct Evaluation {
  double accuracy = 0;  ///< in [0, 1]
  double loss = 0;
  int64_t images = 0;
  /// Standard error of the accuracy, from the binomial distribution.
  double standard_error() const;
};

/// "test accuracy 99.21 % +- 0.09 % (standard error, 10000 images)"
std::string accuracy_text(const Evaluation& test);

/// Accuracy and mean cross entropy of the net in evaluation mode; its mode is put back afterwards.
/// `look` sees each batch, in order, and the logits that the net gives for it.
Evaluation evaluate(
    nn::Module& net, const data::Dataset& dataset,
    const std::function<void(const data::Batch& batch, const Tensor& logits)>& look = {});

/// How many rows of `logits` [N, classes] have their maximum at the label, int64 [N].
double count_correct(const Tensor& logits, const Tensor& labels);

}  // namespace gradus::examples
