// Pooling over planes: x [planes, h, w] to y [planes, oh, ow].
#pragma once

#include <cstdint>

#include "../simd/isa.h"

namespace gradus::kernels {

/// A sliding window of fixed size.
struct PoolSizes {
  int64_t planes, h, w, oh, ow;
  int64_t kernel_h, kernel_w, stride_h, stride_w, padding_h, padding_w, dilation_h, dilation_w;
};

/// Windows of averaging: output row i covers input rows [row_begin[i], row_end[i]) and divides by
/// row_extent[i]; columns likewise.
struct Windows {
  int64_t planes, h, w, oh, ow;
  const int64_t *row_begin, *row_end, *column_begin, *column_end;
  const double *row_extent, *column_extent;
};

template <class T>
struct Pool {
  /// y = the largest element of each window, index = its position in the plane (h * w), the first
  /// of equal ones; NaN wins.
  void (*max)(const PoolSizes& s, T* y, int32_t* index, const T* x);
  /// dx [planes, in] = 0, then dx[plane][index[i]] += g[plane][i] for i < out.
  void (*scatter)(int64_t planes, int64_t in, int64_t out, T* dx, const T* g, const int32_t* index);
  /// y[plane][i] = x[plane][index[i]] for i < out: the transpose of scatter.
  void (*gather)(int64_t planes, int64_t in, int64_t out, T* y, const T* x, const int32_t* index);
  void (*average)(const Windows& s, T* y, const T* x);
  /// The transpose of average: dx from g [planes, oh, ow].
  void (*spread)(const Windows& s, T* dx, const T* g);
};

}  // namespace gradus::kernels
