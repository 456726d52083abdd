// What convolutions and pools share: windows that slide over 1, 2 or 3 spatial dimensions.
#pragma once

#include <algorithm>

#include "../op_support.h"

namespace gradus::ops {

/// N spatial dimensions as messages show them.
template <size_t N>
constexpr const char* spatial_layout = N == 1   ? "L"
                                       : N == 2 ? "H,W"
                                                : "D,H,W";

/// For options and kernels: far above any sensible value, and far from overflow in formulas.
constexpr int64_t largest_size = int64_t{1} << 30;

/// Whether all sizes are at least `least` and none is too large.
template <class List>
bool all_between(const List& sizes, int64_t least) {
  return std::all_of(sizes.begin(), sizes.end(),
                     [=](int64_t size) { return size >= least && size <= largest_size; });
}

/// The number of elements by which a window can move over `in` of them; negative if it does not
/// fit.
inline int64_t room_for(int64_t kernel, int64_t in, int64_t padding, int64_t dilation) {
  return in + 2 * padding - dilation * (kernel - 1) - 1;
}

}  // namespace gradus::ops
