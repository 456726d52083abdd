// Values by their rank, and counts of values. Part of ops.h, which states the conventions.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>

#include "reduce.h"

namespace gradus {

/// The middle element, or of an even number of elements the lower of the middle two, as in PyTorch;
/// quantile(x, 0.5) is their mean. NaN if there is one. Its gradient goes to that element. Throws
/// ShapeError if there are no elements.
/// @{
Tensor median(const Tensor& x);
ValuesIndices median(const Tensor& x, int64_t dim, bool keepdim = false);
/// @}

/// The value below which a share q, from 0 to 1, of the elements lies: that at place q (n - 1) in
/// order, interpolated linearly between two. Of all elements, or along `dim`. NaN if there is one.
/// The gradient goes to the one or two elements, with their weights. Floating-point tensors. Throws
/// ValueError for other q, and ShapeError if there are no elements.
Tensor quantile(const Tensor& x, double q, std::optional<int64_t> dim = {}, bool keepdim = false);

/// The result of histogram().
struct Histogram {
  Tensor counts;  ///< int64 [bins]
  Tensor edges;   ///< float64 [bins + 1], ascending
};
/// How many elements fall into each of `bins` intervals of equal length. Each has its lower edge,
/// the last one both; elements outside of `range`, and NaN, are in none. Without a range it is from
/// the smallest element to the largest, or 1 wide if these are equal, and ValueError is thrown if
/// one is not finite. No gradient.
Histogram histogram(const Tensor& x, int64_t bins,
                    std::optional<std::pair<double, double>> range = {});

}  // namespace gradus
