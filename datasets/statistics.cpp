#include "statistics.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <span>

#include "../core/ops.h"
#include "sampler.h"

namespace gradus::data {

namespace {

constexpr const char* op = "statistics";
constexpr int64_t piece = 1000;  // samples at a time

/// Count, mean and sum of squared deviations; two of them can be joined (Chan, Golub and LeVeque,
/// "Algorithms for computing the sample variance", 1983).
struct Moments {
  double count = 0, mean = 0, squares = 0;

  void join(const Moments& other) {
    const double total = count + other.count, distance = other.mean - mean;
    mean += distance * other.count / total;
    squares += other.squares + distance * distance * count * other.count / total;
    count = total;
  }
};

/// Of one channel of x [N, C, ...], given as float64.
Moments moments_of(const Tensor& x, int64_t channel, int64_t channels) {
  const int64_t rows = x.size(0), plane = x.numel() / (rows * channels);
  const double* const data = x.data<double>() + channel * plane;
  Moments m{.count = static_cast<double>(rows * plane)};
  const auto each = [&](const auto& f) {
    for (int64_t row = 0; row < rows; ++row) {
      for (int64_t i = 0; i < plane; ++i) f(data[row * channels * plane + i]);
    }
  };
  each([&](double value) { m.mean += value; });
  m.mean /= m.count;
  each([&](double value) { m.squares += (value - m.mean) * (value - m.mean); });
  return m;
}

}  // namespace

std::vector<int64_t> class_counts(const Tensor& labels) {
  std::vector<int64_t> counts;
  for (const auto& members : members_of_classes(labels)) {
    counts.push_back(static_cast<int64_t>(members.size()));
  }
  return counts;
}

DatasetStatistics statistics(const Dataset& dataset) {
  DatasetStatistics result{.samples = dataset.size()};
  if (result.samples == 0) {
    throw ValueError(op, "the data set is empty", "statistics need a sample");
  }
  std::vector<Moments> channels;
  std::vector<Tensor> targets;
  for (int64_t begin = 0; begin < result.samples; begin += piece) {
    std::vector<int64_t> indices(static_cast<size_t>(std::min(piece, result.samples - begin)));
    std::iota(indices.begin(), indices.end(), begin);
    const Batch batch = dataset.gather(indices);
    if (batch.x.dim() < 2 || batch.x.numel() == 0) {
      throw ShapeError(op,
                       str("expected samples [C,...] with elements, got a batch ", batch.x.shape()),
                       "channels are the first dimension of a sample");
    }
    targets.push_back(batch.y);
    channels.resize(static_cast<size_t>(batch.x.size(1)));
    const Tensor x = to(batch.x, float64).contiguous();
    for (size_t c = 0; c < channels.size(); ++c) {
      channels[c].join(moments_of(x, static_cast<int64_t>(c), batch.x.size(1)));
    }
  }
  for (const Moments& m : channels) {
    result.mean.push_back(m.mean);
    result.std.push_back(std::sqrt(m.squares / m.count));
  }
  const Tensor y = cat(targets);
  if (y.dtype() == int64 && y.dim() == 1) result.class_counts = class_counts(y);
  return result;
}

}  // namespace gradus::data
