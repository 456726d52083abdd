// The transpose of a matrix of any size, in squares of registers. For files that are compiled once
// per instruction set: everything is local to the file that includes it.
#pragma once

#include "simd.h"
#include "sizes.h"

namespace gradus::kernels {

namespace {

/// column(k)[i] = row(i)[k] for m rows and n columns, at most a vector of each; for a whole square
/// if `whole`. If `full`, columns are written in full vectors, with zeros at the end.
template <class T, bool whole, bool full, class Row, class Column>
[[gnu::always_inline]] inline void transpose_square(int64_t m, int64_t n, const Row& row,
                                                    const Column& column) {
  constexpr int64_t w = width<T>;
  using V = Vector<T>;
  V square[w];
#pragma GCC unroll 16
  for (int64_t j = 0; j < w; ++j) {
    if constexpr (whole) {
      square[j] = load<V>(row(j));
    } else {
      square[j] = j >= m ? V{} : n == w ? load<V>(row(j)) : load_first<T>(n, row(j));
    }
  }
  transpose<T>(square);
#pragma GCC unroll 16
  for (int64_t j = 0; j < w; ++j) {
    if (!whole && j >= n) break;
    whole || full || m == w ? store(column(j), square[j]) : store_first<T>(m, column(j), square[j]);
  }
}

/// The same for any size; the last squares overlap those before.
template <class T, bool full, class Row, class Column>
void transpose_matrix(int64_t rows, int64_t columns, const Row& row, const Column& column) {
  constexpr int64_t w = width<T>;
  const auto start = [](int64_t i, int64_t n) { return n < w ? 0 : smaller(i, n - w); };
  for (int64_t r = 0; r < rows; r += w) {
    const int64_t i = full ? r : start(r, rows), m = smaller(rows - i, w);
    for (int64_t c = 0; c < columns; c += w) {
      const int64_t k = start(c, columns), n = smaller(columns, w);
      const auto from = [&](int64_t j) { return row(i + j) + k; };
      const auto to = [&](int64_t j) { return column(k + j) + i; };
      m == w&& n == w ? transpose_square<T, true, full>(m, n, from, to)
                      : transpose_square<T, false, full>(m, n, from, to);
    }
  }
}

}  // namespace

}  // namespace gradus::kernels
