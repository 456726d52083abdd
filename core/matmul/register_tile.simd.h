// The inner loop of every matrix product: a tile of sums that stays in registers. For files that
// are compiled once per instruction set: everything is local to the file that includes it.
#pragma once

#include "../simd/simd.h"

namespace gradus::kernels {

namespace {

/// sum[r][v] += sum over k < depth of a[r a_row + k a_step] times vector v of row k of b, whose
/// rows are b_stride apart.
template <class T, int rows, int vectors>
[[gnu::always_inline]] inline void add_products(int64_t depth, const T* a, int64_t a_row,
                                                int64_t a_step, const T* b, int64_t b_stride,
                                                Vector<T> (&sum)[rows][vectors]) {
  using V = Vector<T>;
  for (int64_t k = 0; k < depth; ++k) {
    V in[vectors];
#pragma GCC unroll 4
    for (int v = 0; v < vectors; ++v) in[v] = load<V>(b + k * b_stride + v * width<T>);
#pragma GCC unroll 16
    for (int r = 0; r < rows; ++r) {
      const V factor = broadcast<V>(a[r * a_row + k * a_step]);
#pragma GCC unroll 4
      for (int v = 0; v < vectors; ++v) sum[r][v] += factor * in[v];
    }
  }
}

}  // namespace

}  // namespace gradus::kernels
