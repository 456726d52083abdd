#include "sampler.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "../core/base/error.h"

namespace gradus::data {

namespace {

Rng generator_of(uint64_t seed, int64_t epoch) {
  return Rng(seed, Stream::shuffle).fork(static_cast<uint64_t>(epoch));
}

std::vector<int64_t> all_of(int64_t size) {
  std::vector<int64_t> all(static_cast<size_t>(size));
  std::iota(all.begin(), all.end(), int64_t{0});
  return all;
}

void check_size(const char* op, int64_t size) {
  constexpr int64_t most = int64_t{1} << 40;  // an order of more fits in no memory
  if (size < 0 || size > most) {
    throw ValueError(op, str("the number of samples is ", size < 0 ? "negative: " : "huge: ", size),
                     "give the size of the data set");
  }
}

}  // namespace

void shuffle(std::span<int64_t> values, Rng& random) {
  for (size_t left = values.size(); left > 1; --left) {
    std::swap(values[left - 1], values[random.below(left)]);
  }
}

std::vector<std::vector<int64_t>> members_of_classes(const Tensor& labels) {
  constexpr const char* op = "class_labels";
  if (labels.dtype() != int64) {
    throw DTypeError(
        op, str("class labels are int64, got ", name_of(labels.dtype()), " ", labels.shape()),
        "convert them with .to(int64)");
  }
  if (labels.dim() != 1) {
    throw ShapeError(op, str("expected one label per sample, [N], got ", labels.shape()),
                     "labels are class indices, not one-hot rows");
  }
  constexpr int64_t most = 1'000'000;  // a larger label is no class but something else
  std::vector<std::vector<int64_t>> members;
  const std::vector<int64_t> values = labels.to_vector<int64_t>();
  for (size_t i = 0; i < values.size(); ++i) {
    if (values[i] < 0 || values[i] >= most) {
      throw IndexError(op, str("label ", i, " is ", values[i]), "classes are numbered from 0");
    }
    const auto label = static_cast<size_t>(values[i]);
    if (label >= members.size()) members.resize(label + 1);
    members[label].push_back(static_cast<int64_t>(i));
  }
  return members;
}

SequentialSampler::SequentialSampler(int64_t size) : size_(size) {
  check_size("sequential_sampler", size);
}

std::vector<int64_t> SequentialSampler::order(int64_t) const {
  return all_of(size_);
}

RandomSampler::RandomSampler(int64_t size, uint64_t seed) : size_(size), seed_(seed) {
  check_size("random_sampler", size);
}

std::vector<int64_t> RandomSampler::order(int64_t epoch) const {
  std::vector<int64_t> samples = all_of(size_);
  Rng random = generator_of(seed_, epoch);
  shuffle(samples, random);
  return samples;
}

SubsetRandomSampler::SubsetRandomSampler(std::vector<int64_t> indices, uint64_t seed)
    : indices_(std::move(indices)), seed_(seed) {}

std::vector<int64_t> SubsetRandomSampler::order(int64_t epoch) const {
  std::vector<int64_t> samples = indices_;
  Rng random = generator_of(seed_, epoch);
  shuffle(samples, random);
  return samples;
}

// --- Weighted ------------------------------------------------------------------------------------

WeightedRandomSampler::WeightedRandomSampler(std::vector<double> weights, int64_t num_samples,
                                             const WeightedSamplerOptions& options)
    : weights_(std::move(weights)), num_samples_(num_samples), options_(options) {
  constexpr const char* op = "weighted_random_sampler";
  check_size(op, num_samples);
  int64_t positive = 0;
  double sum = 0;
  for (size_t i = 0; i < weights_.size(); ++i) {
    if (!(weights_[i] >= 0) || !std::isfinite(weights_[i])) {
      throw ValueError(op, str("weight ", i, " is ", weights_[i]),
                       "weights must be finite and not negative");
    }
    positive += weights_[i] > 0 ? 1 : 0;
    sums_.push_back(sum += weights_[i]);
  }
  if (!(sum > 0) || !std::isfinite(sum)) {
    throw ValueError(op, str("the sum of the ", weights_.size(), " weights is ", sum),
                     "some weight must be positive, and none huge");
  }
  if (!options.replacement && num_samples > positive) {
    throw ValueError(op,
                     str("cannot draw ", num_samples, " of ", positive,
                         " samples with a positive weight without replacement"),
                     "draw fewer, or with replacement");
  }
}

std::vector<int64_t> WeightedRandomSampler::order(int64_t epoch) const {
  Rng random = generator_of(options_.seed, epoch);
  return options_.replacement ? with_replacement(random) : without_replacement(random);
}

std::vector<int64_t> WeightedRandomSampler::with_replacement(Rng& random) const {
  std::vector<int64_t> samples;
  samples.reserve(static_cast<size_t>(num_samples_));
  for (int64_t i = 0; i < num_samples_; ++i) {
    // The first sum above the target: weights of 0 add nothing and are never met. Rounding could
    // give a target of the whole sum; the first sample that reaches it stands for that.
    const double target = random.uniform() * sums_.back();
    auto found = std::upper_bound(sums_.begin(), sums_.end(), target);
    if (found == sums_.end()) found = std::lower_bound(sums_.begin(), sums_.end(), sums_.back());
    samples.push_back(found - sums_.begin());
  }
  return samples;
}

/// Sample i waits for an exponential time with rate weights[i]; the first ones are drawn
/// (Efraimidis and Spirakis, "Weighted random sampling with a reservoir", 2006).
std::vector<int64_t> WeightedRandomSampler::without_replacement(Rng& random) const {
  std::vector<std::pair<double, int64_t>> times;
  for (size_t i = 0; i < weights_.size(); ++i) {
    const double wait = -std::log1p(-random.uniform());  // drawn for every i: no i moves another
    if (weights_[i] > 0) times.emplace_back(wait / weights_[i], static_cast<int64_t>(i));
  }
  const auto end = times.begin() + num_samples_;
  std::partial_sort(times.begin(), end, times.end());
  std::vector<int64_t> samples;
  for (auto it = times.begin(); it != end; ++it) samples.push_back(it->second);
  return samples;
}

// --- Class-balanced ------------------------------------------------------------------------------

ClassBalancedSampler::ClassBalancedSampler(const Tensor& labels, int64_t num_samples, uint64_t seed)
    : members_(members_of_classes(labels)),
      num_samples_(num_samples == 0 ? labels.numel() : num_samples),
      seed_(seed) {
  check_size("class_balanced_sampler", num_samples);
  std::erase_if(members_, [](const auto& members) { return members.empty(); });
  if (members_.empty() && num_samples_ > 0) {
    throw ValueError("class_balanced_sampler", "there are no labels",
                     "give the labels of the data set");
  }
}

std::vector<int64_t> ClassBalancedSampler::order(int64_t epoch) const {
  Rng random = generator_of(seed_, epoch);
  std::vector<int64_t> classes = all_of(static_cast<int64_t>(members_.size()));
  shuffle(classes, random);  // which classes get one more where the number does not divide
  std::vector<int64_t> samples;
  samples.reserve(static_cast<size_t>(num_samples_));
  for (size_t k = 0; k < classes.size(); ++k) {
    std::vector<int64_t> members = members_[static_cast<size_t>(classes[k])];
    const auto count = static_cast<int64_t>(classes.size()), rank = static_cast<int64_t>(k);
    const int64_t share = num_samples_ / count + (rank < num_samples_ % count ? 1 : 0);
    const auto size = static_cast<int64_t>(members.size());
    for (int64_t i = 0; i < share; ++i) {
      if (i % size == 0) shuffle(members, random);
      samples.push_back(members[static_cast<size_t>(i % size)]);
    }
  }
  shuffle(samples, random);
  return samples;
}

}  // namespace gradus::data
