#include "shards.h"

#include "../op_support.h"

namespace gradus::distributed {

using namespace ops;

namespace {

/// Attributes of the operation.
struct Over {
  Shards* shards;
  static void describe(auto& a, auto& visit) { visit("shards", a.shards->count()); }
};

}  // namespace

Tensor sum_over_shards(Shards& shards, const Tensor& x) {
  check_floating("sum_over_shards", x);
  Tensor y;
  {
    const NoGrad pause;
    const Tensor all = shards.gather(contiguous(reshape(to(x.detach(), float64), {-1})));
    y = to(reshape(sum(all, {0}), x.shape()), x.dtype());
  }
  return record(
      "sum_over_shards", inputs(x), y, saved(), Over{&shards},
      [](auto&, auto& a, auto& g, auto&) -> TensorList { return {sum_over_shards(*a.shards, g)}; });
}

MergedStatistics merge_statistics(const Tensor& rows) {
  const int64_t groups = rows.size(0), channels = (rows.size(1) - 1) / 2;
  MergedStatistics merged{0, zeros({channels}, float64), zeros({channels}, float64)};
  double* const mean = merged.mean.mutable_data<double>();
  double* const spread = merged.variance.mutable_data<double>();
  for (int64_t k = 0; k < groups; ++k) {
    const double* const row = rows.data<double>() + k * rows.size(1);
    const double count = row[0], total = merged.count + count;
    if (count == 0) continue;
    for (int64_t c = 0; c < channels; ++c) {
      const double step = row[1 + c] - mean[c];
      mean[c] += step * (count / total);
      spread[c] += row[1 + channels + c] + step * step * (merged.count * count / total);
    }
    merged.count = total;
  }
  for (int64_t c = 0; c < channels && merged.count > 0; ++c) spread[c] /= merged.count;
  return merged;
}

}  // namespace gradus::distributed
