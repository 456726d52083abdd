// Data sets: numbered samples, and small pieces to build one from others.
#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "../core/tensor.h"

namespace gradus::data {

/// One input and its target.
struct Sample {
  Tensor x, y;
};

/// n inputs and their targets: the first dimension of both has size n.
struct Batch {
  Tensor x, y;
};

/// Samples number 0 to size() - 1. A data set never changes, and several threads may read it.
class Dataset {
 public:
  virtual ~Dataset() = default;
  virtual int64_t size() const = 0;
  /// Sample number `index`. Throws IndexError if it is not in [0, size()).
  virtual Sample get(int64_t index) const = 0;
  /// The samples of these numbers, in this order, as one batch. Throws IndexError like get. Unless
  /// a data set has a faster way, this stacks what get returns.
  virtual Batch gather(std::span<const int64_t> indices) const;
  /// The targets of all samples in order, [size(), ...]. Unless a data set has a faster way, this
  /// gets every sample.
  virtual Tensor targets() const;
};

/// The only sample of a batch of one, without the batch's dimension.
Sample only_sample(const Batch& batch);

/// How loaders and other data sets share one.
using DatasetPtr = std::shared_ptr<const Dataset>;

/// Moves a data set to where loaders and other data sets can share it.
template <std::derived_from<Dataset> D>
DatasetPtr share(D dataset) {
  return std::make_shared<const D>(std::move(dataset));
}

/// Turns bytes into floats of roughly zero mean and unit variance: (byte / 255 - mean) / std.
struct Normalization {
  double mean = 0;  ///< of bytes / 255
  double std = 1;   ///< likewise; positive
};

/// Throws ValueError in the name of `op` for a null pointer.
DatasetPtr checked_dataset(const char* op, DatasetPtr dataset);

/// Throws ValueError in the name of `op` unless the mean is finite and std positive and finite.
void check_normalization(const char* op, const Normalization& normalization);

/// dataset.targets() in row-major order, detached. Throws ShapeError in the name of `op` unless
/// there is a row for each sample: a user's data set may be wrong.
Tensor checked_targets(const char* op, const Dataset& dataset);

/// The numbers begin, begin + 1, ..., end - 1.
std::vector<int64_t> count_from(int64_t begin, int64_t end);

/// Gives all samples in order to `use`, some at a time.
void in_pieces(const Dataset& dataset, const std::function<void(const Batch& batch)>& use);

/// Rows of two tensors of the same length, held in memory. Samples are copies, not views.
class TensorDataset : public Dataset {
 public:
  /// Row i of x and row i of y are sample i. Throws ShapeError if the lengths differ.
  TensorDataset(const Tensor& x, const Tensor& y);
  /// The same for images held as bytes: x is uint8 and stays so in memory, samples are float32.
  /// There is one normalization for all channels, or one for each: dimension 1 of x are the
  /// channels. Throws DTypeError if x is not uint8, ValueError if a mean is not finite or an `std`
  /// not positive and finite, ShapeError if the number of channels differs.
  TensorDataset(const Tensor& x, const Tensor& y, const std::vector<Normalization>& normalization);

  int64_t size() const override { return x_.shape()[0]; }
  Sample get(int64_t index) const override { return only_sample(gather({&index, 1})); }
  Batch gather(std::span<const int64_t> indices) const override;
  Tensor targets() const override { return y_; }

 private:
  Tensor x_, y_;
  std::vector<float> float_of_byte_;  // 256 for each channel; empty: x is copied as it is
};

/// Some samples of another data set, in the given order; repetitions are allowed.
class Subset : public Dataset {
 public:
  /// Throws IndexError for an index outside the data set.
  Subset(DatasetPtr dataset, std::vector<int64_t> indices);
  /// The samples [begin, end).
  Subset(DatasetPtr dataset, int64_t begin, int64_t end);

  int64_t size() const override { return static_cast<int64_t>(indices_.size()); }
  Sample get(int64_t index) const override;
  Batch gather(std::span<const int64_t> indices) const override;
  Tensor targets() const override;

 private:
  DatasetPtr dataset_;
  std::vector<int64_t> indices_;
};

/// One data set after the other.
class Concat : public Dataset {
 public:
  /// Throws ValueError if there is nothing to concatenate.
  explicit Concat(std::vector<DatasetPtr> datasets);

  int64_t size() const override { return ends_.back(); }
  Sample get(int64_t index) const override;
  Tensor targets() const override;

 private:
  std::vector<DatasetPtr> datasets_;
  std::vector<int64_t> ends_;  // ends_[k]: number of samples in the first k + 1 data sets
};

/// Another data set with a function applied to each batch: scaling, augmentation, one-hot targets.
///
/// The function gets the batch and the numbers of its samples. It runs in the loader's threads,
/// several at a time, and must treat each sample independently, so that the result does not depend
/// on how samples are batched. Random augmentation is better left to LoaderOptions::transform,
/// which gives each sample of each epoch random numbers of its own; default_rng() belongs to the
/// thread.
class Mapped : public Dataset {
 public:
  using Function = std::function<Batch(const Batch& batch, std::span<const int64_t> indices)>;

  Mapped(DatasetPtr dataset, Function function);

  int64_t size() const override { return dataset_->size(); }
  Sample get(int64_t index) const override { return only_sample(gather({&index, 1})); }
  Batch gather(std::span<const int64_t> indices) const override;

 private:
  DatasetPtr dataset_;
  Function function_;
};

}  // namespace gradus::data
