// Values by their rank: sorted, and taken from the order. What is gathered has a gradient.
#include "quantile.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "../op_support.h"

namespace gradus {

using namespace ops;

namespace {

/// The elements in order along the last dimension of the result.
struct Ordered {
  ValuesIndices all;
  int64_t size;

  Ordered(const char* op, const Tensor& x, int64_t dim) : size(x.size(dim)) {
    require<ShapeError>(size > 0, op, "there is no value at any rank", "dimension ", dim, " of ",
                        x.shape(), " has no elements");
    all = sort(transpose(x, dim, -1));
  }
  Tensor value(int64_t rank) const { return narrow(all.values, -1, rank, 1); }
  Tensor index(int64_t rank) const { return narrow(all.indices, -1, rank, 1); }
  /// `y`, and the last of the order instead if that is NaN.
  Tensor unless_nan(const Tensor& y, const Tensor& last) const {
    return is_floating(all.values.dtype()) ? where(isnan(value(size - 1)), last, y) : y;
  }
};

Tensor placed(const Tensor& y, int64_t dim, bool keepdim) {
  const Tensor in_place = transpose(y, dim, -1);
  return keepdim ? in_place : squeeze(in_place, dim);
}

}  // namespace

Tensor median(const Tensor& x) {
  return median(flatten(x), 0).values;
}

ValuesIndices median(const Tensor& x, int64_t dim, bool keepdim) {
  const Ordered order("median", x, dim);
  const int64_t middle = (order.size - 1) / 2, last = order.size - 1;
  return {placed(order.unless_nan(order.value(middle), order.value(last)), dim, keepdim),
          placed(order.unless_nan(order.index(middle), order.index(last)), dim, keepdim)};
}

Tensor quantile(const Tensor& x, double q, std::optional<int64_t> dim, bool keepdim) {
  constexpr const char* op = "quantile";
  check_floating(op, x);
  require(q >= 0 && q <= 1, op, "0.5 is the median, 0.9 has nine tenths of the elements below it",
          "q must be between 0 and 1, got ", q);
  if (!dim.has_value()) {
    const Tensor y = quantile(flatten(x), q, 0);
    return keepdim ? reshape(y, Shape::filled(x.dim(), 1)) : y;
  }
  const Ordered order(op, x, *dim);
  const double place = q * static_cast<double>(order.size - 1), rank = std::floor(place);
  const auto below = static_cast<int64_t>(rank);
  Tensor y = order.value(below);
  if (place > rank) y = add(y, mul(sub(order.value(below + 1), y), place - rank));
  return placed(order.unless_nan(y, order.value(order.size - 1)), *dim, keepdim);
}

namespace {

/// Counts values by the interval between edges that they are in. The interval is computed, and
/// corrected by comparison with its edges; it is searched where numbers are too large or too small
/// to compute it.
template <class T>
void count_values(const std::vector<T>& values, const std::vector<double>& edges,
                  std::vector<int64_t>& counts) {
  const double low = edges.front(), high = edges.back();
  const double per_unit = static_cast<double>(counts.size()) / (high - low);
  const bool can_compute = std::isfinite(high - low) && std::isfinite(per_unit);
  const size_t last = counts.size() - 1;
  for (const T element : values) {
    const auto value = static_cast<double>(element);
    if (!(value >= low && value <= high)) continue;  // nor NaN
    size_t i = 0;
    if (can_compute) {
      i = std::min(last, static_cast<size_t>((value - low) * per_unit));
      while (value < edges[i]) --i;
      while (i < last && value >= edges[i + 1]) ++i;
    } else {
      i = static_cast<size_t>(std::upper_bound(edges.begin(), edges.end() - 1, value) -
                              edges.begin()) -
          1;
    }
    ++counts[i];
  }
}

}  // namespace

Histogram histogram(const Tensor& x, int64_t bins, std::optional<std::pair<double, double>> range) {
  constexpr const char* op = "histogram";
  require(bins >= 1, op, "it is the number of intervals", "bins must be at least 1, got ", bins);
  if (!range.has_value()) {
    const Tensor all = to(x.detach(), float64);
    range = x.numel() == 0 ? std::pair(0.0, 1.0) : std::pair(amin(all).item(), amax(all).item());
    if (range->first == range->second) range = {range->first - 0.5, range->second + 0.5};
  }
  const auto [low, high] = *range;
  require(std::isfinite(low) && std::isfinite(high) && low < high, op,
          "give it as {lower, upper}; without one all elements must be finite",
          "expected a finite range, got ", low, " to ", high);
  const Tensor edge = linspace(low, high, bins + 1, float64);
  const std::vector<double> edges = edge.to_vector<double>();
  std::vector<int64_t> counts(static_cast<size_t>(bins), 0);
  if (x.dtype() == float32) {
    count_values(x.detach().to_vector<float>(), edges, counts);
  } else {
    count_values(to(x.detach(), float64).to_vector<double>(), edges, counts);
  }
  return {tensor(counts, {bins}), edge};
}

}  // namespace gradus
