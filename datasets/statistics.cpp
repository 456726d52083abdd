#include "statistics.h"

#include <cmath>

#include "../core/ops.h"
#include "sampler.h"

namespace gradus::data {

namespace {

constexpr const char* statistics_op = "statistics";

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
  require(result.samples > 0, statistics_op, "statistics need a sample", "the data set is empty");
  std::vector<Moments> channels;
  std::vector<Tensor> targets;
  in_pieces(dataset, [&](const Batch& batch) {
    require<ShapeError>(batch.x.dim() >= 2 && batch.x.numel() > 0, statistics_op,
                        "channels are the first dimension of a sample",
                        "expected samples [C,...] with elements, got a batch ", batch.x.shape());
    targets.push_back(batch.y);
    channels.resize(static_cast<size_t>(batch.x.size(1)));
    const Tensor x = transpose(to(batch.x, float64), 0, 1).flatten(1);
    const Tensor mean = x.mean({1}, true), distance = x - mean;
    const Tensor squares = (distance * distance).sum({1});
    for (size_t c = 0; c < channels.size(); ++c) {
      channels[c].join(
          {static_cast<double>(x.size(1)), mean.data<double>()[c], squares.data<double>()[c]});
    }
  });
  for (const Moments& m : channels) {
    result.mean.push_back(m.mean);
    result.std.push_back(std::sqrt(m.squares / m.count));
  }
  const Tensor y = cat(targets);
  if (y.dtype() == int64 && y.dim() == 1) result.class_counts = class_counts(y);
  return result;
}

}  // namespace gradus::data
