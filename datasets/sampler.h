// Which samples an epoch has, and in which order.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "../core/base/random.h"
#include "dataset.h"

namespace gradus::data {

/// The indices of the samples of each epoch: a function of the epoch's number and of what the
/// sampler was built from (in particular its seed). A sampler has no mutable state.
class Sampler {
 public:
  virtual ~Sampler() = default;
  /// Samples in an epoch.
  virtual int64_t size() const = 0;
  virtual std::vector<int64_t> order(int64_t epoch) const = 0;
};

/// How loaders share a sampler.
using SamplerPtr = std::shared_ptr<const Sampler>;

/// 0, 1, 2, ...
class SequentialSampler : public Sampler {
 public:
  /// Throws ValueError for a negative size.
  explicit SequentialSampler(int64_t size);
  int64_t size() const override { return size_; }
  std::vector<int64_t> order(int64_t /*epoch*/) const override { return count_from(0, size_); }

 private:
  int64_t size_;
};

/// These samples, reshuffled in each epoch.
class SubsetRandomSampler : public Sampler {
 public:
  explicit SubsetRandomSampler(std::vector<int64_t> indices, uint64_t seed = 0);
  int64_t size() const override { return static_cast<int64_t>(indices_.size()); }
  std::vector<int64_t> order(int64_t epoch) const override;

 private:
  std::vector<int64_t> indices_;
  uint64_t seed_;
};

/// All samples, reshuffled in each epoch.
class RandomSampler : public SubsetRandomSampler {
 public:
  /// Throws ValueError for a negative size.
  explicit RandomSampler(int64_t size, uint64_t seed = 0);
};

/// Options of WeightedRandomSampler.
struct WeightedSamplerOptions {
  /// With replacement a sample can appear several times in an epoch, without it at most once.
  bool replacement = true;
  uint64_t seed = 0;  ///< of the draws: the same seed, the same samples
};

/// Draws sample i with a probability proportional to weights[i].
class WeightedRandomSampler : public Sampler {
 public:
  /// An epoch has `num_samples`. Throws ValueError for weights that are negative, not finite or all
  /// 0, for a negative number of samples, and without replacement for more samples than there are
  /// positive weights.
  WeightedRandomSampler(std::vector<double> weights, int64_t num_samples,
                        const WeightedSamplerOptions& options = {});
  int64_t size() const override { return num_samples_; }
  std::vector<int64_t> order(int64_t epoch) const override;

 private:
  std::vector<double> weights_;
  std::vector<double> sums_;  // sums_[i]: of the weights 0 to i
  int64_t num_samples_;
  WeightedSamplerOptions options_;
};

/// The same number of samples of each class, to within one: those of rare classes appear several
/// times. No sample of a class is repeated before all of them have appeared.
class ClassBalancedSampler : public Sampler {
 public:
  /// `labels` are int64 [N], as Dataset::targets gives them; classes without samples do not count.
  /// An epoch has `num_samples`; 0 means N. Throws DTypeError, ShapeError, ValueError for a
  /// negative number of samples, and IndexError for a negative label.
  explicit ClassBalancedSampler(const Tensor& labels, int64_t num_samples = 0, uint64_t seed = 0);
  int64_t size() const override { return num_samples_; }
  std::vector<int64_t> order(int64_t epoch) const override;

 private:
  std::vector<std::vector<int64_t>> members_;  // of each class that has samples
  int64_t num_samples_;
  uint64_t seed_;
};

/// Shuffles the elements (Fisher-Yates).
void shuffle(std::span<int64_t> values, Rng& random);

/// The samples of each class 0 to the largest label, in order. Throws as ClassBalancedSampler does.
std::vector<std::vector<int64_t>> members_of_classes(const Tensor& labels);

}  // namespace gradus::data
