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
#pragma GCC unroll 8
    for (int v = 0; v < vectors; ++v) in[v] = load<V>(b + k * b_stride + v * width<T>);
#pragma GCC unroll 16
    for (int r = 0; r < rows; ++r) {
      const V factor = broadcast<V>(a[r * a_row + k * a_step]);
#pragma GCC unroll 8
      for (int v = 0; v < vectors; ++v) sum[r][v] += factor * in[v];
    }
  }
}

/// Calls `body.template operator()<rows>()` for a number of rows up to `most`.
template <int most, class Body>
void with_rows(int64_t rows, const Body& body) {
  if constexpr (most > 1) {
    if (rows < most) return with_rows<most - 1>(rows, body);
  }
  body.template operator()<most>();
}

/// Calls `body.template operator()<rows>(first)` for blocks of [first, end) of about equal size, of
/// at most `most` rows.
template <int most, class Body>
void for_blocks(int64_t first, int64_t end, const Body& body) {
  const int64_t blocks = (end - first + most - 1) / most;
  if (blocks <= 0) return;
  const int64_t size = (end - first + blocks - 1) / blocks,
                large = end - first - (size - 1) * blocks;
  const auto run = [&](int64_t n, int64_t count) {
    with_rows<most>(n, [&]<int rows>() {
      for (int64_t i = 0; i < count; ++i, first += rows) body.template operator()<rows>(first);
    });
  };
  run(size, large);
  run(size - 1, blocks - large);
}

}  // namespace

}  // namespace gradus::kernels
