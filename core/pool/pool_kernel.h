// Pooling over up to three dimensions: x [planes, depth, height, width] to y [planes, ...], where
// each element of y sees a window of x. Dimensions that a pool does not have are of size 1.
#pragma once

#include <cstdint>

#include "../simd/isa.h"

namespace gradus::kernels {

/// Along one dimension, a window sees the elements begin, begin + step ... below end: only those
/// that exist, none if begin >= end. An average divides by the product of the extents.
struct Window {
  int64_t begin, end;
  double extent;
};

/// The windows along one dimension of `in` elements: `out` of them.
struct WindowAxis {
  int64_t in, out, step;
  const Window* at;
};

struct Windows {
  int64_t planes;
  WindowAxis depth, height, width;

  int64_t in() const { return depth.in * height.in * width.in; }  ///< elements of a plane of x
  int64_t out() const { return depth.out * height.out * width.out; }
};

template <class T>
struct Pool {
  /// y = the largest element of each window, index = its position in its plane, the first of equal
  /// ones; NaN wins. -inf and -1 for an empty window.
  void (*max)(const Windows& s, T* y, int32_t* index, const T* x);
  /// dx [planes, in] = 0, then dx[plane][index[i]] += g[plane][i] for i < out.
  void (*scatter)(int64_t planes, int64_t in, int64_t out, T* dx, const T* g, const int32_t* index);
  /// y[plane][i] = x[plane][index[i]] for i < out: the transpose of scatter.
  void (*gather)(int64_t planes, int64_t in, int64_t out, T* y, const T* x, const int32_t* index);
  /// y = the sum of each window, divided by its extents. Steps are 1.
  void (*average)(const Windows& s, T* y, const T* x);
  /// The transpose of average: dx from g [planes, out].
  void (*spread)(const Windows& s, T* dx, const T* g);
};
template <class T>
inline constexpr bool has_plain<Pool<T>> = true;

}  // namespace gradus::kernels
