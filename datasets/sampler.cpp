#include "sampler.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "../core/base/error.h"

namespace gradus::data {

namespace {

Rng generator_of(uint64_t seed, int64_t epoch) {
  return Rng(seed, Stream::shuffle).fork(static_cast<uint64_t>(epoch));
}

int64_t checked_size(const char* op, int64_t size) {
  constexpr int64_t most = int64_t{1} << 40;  // an order of more fits in no memory
  require(size >= 0 && size <= most, op, "give the size of the data set",
          "the number of samples is ", size < 0 ? "negative: " : "huge: ", size);
  return size;
}

}  // namespace

void shuffle(std::span<int64_t> values, Rng& random) {
  for (size_t left = values.size(); left > 1; --left) {
    std::swap(values[left - 1], values[random.below(left)]);
  }
}

std::vector<std::vector<int64_t>> members_of_classes(const Tensor& labels) {
  constexpr const char* op = "class_labels";
  require<DTypeError>(labels.dtype() == int64, op, "convert them with .to(int64)",
                      "class labels are int64, got ", labels.dtype(), " ", labels.shape());
  require<ShapeError>(labels.dim() == 1, op, "labels are class indices, not one-hot rows",
                      "expected one label per sample, [N], got ", labels.shape());
  constexpr int64_t most = 1'000'000;  // a larger label is no class but something else
  std::vector<std::vector<int64_t>> members;
  const std::vector<int64_t> values = labels.to_vector<int64_t>();
  for (size_t i = 0; i < values.size(); ++i) {
    require<IndexError>(values[i] >= 0 && values[i] < most, op, "classes are numbered from 0",
                        "label ", i, " is ", values[i]);
    const auto label = static_cast<size_t>(values[i]);
    if (label >= members.size()) members.resize(label + 1);
    members[label].push_back(static_cast<int64_t>(i));
  }
  return members;
}

SequentialSampler::SequentialSampler(int64_t size)
    : size_(checked_size("sequential_sampler", size)) {}

SubsetRandomSampler::SubsetRandomSampler(std::vector<int64_t> indices, uint64_t seed)
    : indices_(std::move(indices)), seed_(seed) {}

std::vector<int64_t> SubsetRandomSampler::order(int64_t epoch) const {
  std::vector<int64_t> samples = indices_;
  Rng random = generator_of(seed_, epoch);
  shuffle(samples, random);
  return samples;
}

RandomSampler::RandomSampler(int64_t size, uint64_t seed)
    : SubsetRandomSampler(count_from(0, checked_size("random_sampler", size)), seed) {}

// --- Weighted ------------------------------------------------------------------------------------

WeightedRandomSampler::WeightedRandomSampler(std::vector<double> weights, int64_t num_samples,
                                             const WeightedSamplerOptions& options)
    : weights_(std::move(weights)), num_samples_(num_samples), options_(options) {
  constexpr const char* op = "weighted_random_sampler";
  checked_size(op, num_samples);
  int64_t positive = 0;
  double sum = 0;
  for (size_t i = 0; i < weights_.size(); ++i) {
    require(weights_[i] >= 0 && std::isfinite(weights_[i]), op,
            "weights must be finite and not negative", "weight ", i, " is ", weights_[i]);
    positive += weights_[i] > 0 ? 1 : 0;
    sums_.push_back(sum += weights_[i]);
  }
  require(sum > 0 && std::isfinite(sum), op, "some weight must be positive, and none huge",
          "the sum of the ", weights_.size(), " weights is ", sum);
  require(options.replacement || num_samples <= positive, op, "draw fewer, or with replacement",
          "cannot draw ", num_samples, " of ", positive,
          " samples with a positive weight without replacement");
}

std::vector<int64_t> WeightedRandomSampler::order(int64_t epoch) const {
  Rng random = generator_of(options_.seed, epoch);
  std::vector<int64_t> samples(static_cast<size_t>(num_samples_));
  if (options_.replacement) {
    for (int64_t& sample : samples) {
      // The first sum above the target: weights of 0 add nothing and are never met. Rounding could
      // give a target of the whole sum; the first sample that reaches it stands for that.
      const double target = random.uniform() * sums_.back();
      auto found = std::upper_bound(sums_.begin(), sums_.end(), target);
      if (found == sums_.end()) found = std::lower_bound(sums_.begin(), sums_.end(), sums_.back());
      sample = found - sums_.begin();
    }
    return samples;
  }
  // Sample i waits for an exponential time with rate weights[i]; the first ones are drawn
  // (Efraimidis and Spirakis, "Weighted random sampling with a reservoir", 2006).
  std::vector<std::pair<double, int64_t>> times;
  for (size_t i = 0; i < weights_.size(); ++i) {
    const double wait = -std::log1p(-random.uniform());  // drawn for every i: no i moves another
    if (weights_[i] > 0) times.emplace_back(wait / weights_[i], static_cast<int64_t>(i));
  }
  std::partial_sort(times.begin(), times.begin() + num_samples_, times.end());
  for (size_t i = 0; i < samples.size(); ++i) samples[i] = times[i].second;
  return samples;
}

// --- Class-balanced ------------------------------------------------------------------------------

ClassBalancedSampler::ClassBalancedSampler(const Tensor& labels, int64_t num_samples, uint64_t seed)
    : members_(members_of_classes(labels)),
      num_samples_(num_samples == 0 ? labels.numel() : num_samples),
      seed_(seed) {
  checked_size("class_balanced_sampler", num_samples);
  std::erase_if(members_, [](const auto& members) { return members.empty(); });
  require(!members_.empty() || num_samples_ == 0, "class_balanced_sampler",
          "give the labels of the data set", "there are no labels");
}

std::vector<int64_t> ClassBalancedSampler::order(int64_t epoch) const {
  Rng random = generator_of(seed_, epoch);
  const auto count = static_cast<int64_t>(members_.size());
  std::vector<int64_t> classes = count_from(0, count);
  shuffle(classes, random);  // which classes get one more if the number does not divide
  std::vector<int64_t> samples;
  samples.reserve(static_cast<size_t>(num_samples_));
  for (int64_t rank = 0; const int64_t label : classes) {
    std::vector<int64_t> members = members_[static_cast<size_t>(label)];
    const int64_t share = num_samples_ / count + (rank++ < num_samples_ % count ? 1 : 0);
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
