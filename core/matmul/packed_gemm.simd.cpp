// Compiled once per instruction set; see isa.h.
//
// B is copied in panels of a few columns and a few hundred rows, which then stay in the first-level
// cache while blocks of rows of A pass by; a block of C is a square of registers. A is read in
// place, number by number.
#include "packed_gemm_kernel.h"

#include "../simd/kernels_of.h"
#include "../simd/sizes.h"
#include "../simd/workspace.h"
#include "register_tile.simd.h"

namespace gradus::kernels {

namespace {

constexpr int panel_vectors = 2, block_rows = vector_bytes == 64 ? 12 : 6;
constexpr int64_t panel_rows = 256;
template <class T>
constexpr int64_t panel_columns = panel_vectors* width<T>;

/// The part of C that one panel of B contributes to.
template <class T>
struct Panel {
  int64_t depth;    // rows of the panel
  int64_t columns;  // those that are there; the others are zeros
  const T* a;
  int64_t a_row, a_step;  // A[r][k] is a[r * a_row + k * a_step]
  const T* b;             // [depth][panel_columns], rows b_stride apart
  int64_t b_stride;
  T beta;
  T* c;
  int64_t ldc;
};

template <class T, int rows>
void multiply_block(const Panel<T>& p, int64_t first) {
  using V = Vector<T>;
  constexpr int64_t w = width<T>;
  const T* const a = p.a + first * p.a_row;
  V sum[rows][panel_vectors] = {};
  add_products(p.depth, a, p.a_row, p.a_step, p.b, p.b_stride, sum);
#pragma GCC unroll 12
  for (int r = 0; r < rows; ++r) {
    T* const to = p.c + (first + r) * p.ldc;
#pragma GCC unroll 2
    for (int v = 0; v < panel_vectors; ++v) {
      const int64_t n = smaller(p.columns - v * w, w);
      if (n <= 0) continue;
      V total = sum[r][v];
      if (p.beta != 0) {
        total +=
            broadcast<V>(p.beta) * (n == w ? load<V>(to + v * w) : load_first<T>(n, to + v * w));
      }
      n == w ? store(to + v * w, total) : store_first<T>(n, to + v * w, total);
    }
  }
}

template <class T, int rows>
void multiply_rows(const Panel<T>& p, int64_t first, int64_t m) {
  for (; first + rows <= m; first += rows) multiply_block<T, rows>(p, first);
  if constexpr (rows > 1) {
    if (first < m) multiply_rows<T, rows / 2>(p, first, m);
  }
}

/// to[k][j] = alpha B[k][j] for the rows and columns of a panel.
template <class T>
void pack(bool transpose_b, int64_t depth, int64_t columns, T alpha, const T* b, int64_t ldb,
          T* to) {
  constexpr int64_t w = width<T>;
  using V = Vector<T>;
  const V factor = broadcast<V>(alpha);
  if (!transpose_b) {
    for (int64_t k = 0; k < depth; ++k) {
      for (int64_t j = 0; j < panel_columns<T>; j += w) {
        const T* const from = b + k * ldb + j;
        const int64_t n = larger(smaller(columns - j, w), 0);
        const V v = n == w ? load<V>(from) : load_first<T>(n, from);
        store(to + k * panel_columns<T> + j, factor * v);
      }
    }
    return;
  }
  for (int64_t j = 0; j < panel_columns<T>; j += w) {
    for (int64_t k = 0; k < depth; k += w) {
      const int64_t rows = smaller(columns - j, w), n = smaller(depth - k, w);
      V square[w];
      for (int64_t i = 0; i < w; ++i) {
        const T* const from = b + (j + i) * ldb + k;
        square[i] = i >= rows ? V{} : n == w ? load<V>(from) : load_first<T>(n, from);
      }
      transpose<T>(square);
      for (int64_t i = 0; i < n; ++i)
        store(to + (k + i) * panel_columns<T> + j, factor * square[i]);
    }
  }
}

template <class T>
void multiply(const MatrixProduct<T>& p) {
  const Workspace<T> packed(smaller(p.k, panel_rows) * panel_columns<T>);
  const bool may_stay = !p.transpose_b && p.alpha == 1 && p.m <= block_rows;  // panels: read once
  const int64_t a_row = p.transpose_a ? 1 : p.lda, a_step = p.transpose_a ? p.lda : 1;
  const int64_t b_row = p.transpose_b ? 1 : p.ldb, b_step = p.transpose_b ? p.ldb : 1;
  for (int64_t row = 0; row < p.k; row += panel_rows) {
    const int64_t depth = smaller(panel_rows, p.k - row);
    for (int64_t column = 0; column < p.n; column += panel_columns<T>) {
      const int64_t columns = smaller(panel_columns<T>, p.n - column);
      const T* const from = p.b + row * b_row + column * b_step;
      const bool in_place = may_stay && columns == panel_columns<T>;
      if (!in_place) pack(p.transpose_b, depth, columns, p.alpha, from, p.ldb, packed.data());
      multiply_rows<T, block_rows>({.depth = depth,
                                    .columns = columns,
                                    .a = p.a + row * a_step,
                                    .a_row = a_row,
                                    .a_step = a_step,
                                    .b = in_place ? from : packed.data(),
                                    .b_stride = in_place ? p.ldb : panel_columns<T>,
                                    .beta = row == 0 ? p.beta : T(1),
                                    .c = p.c + column,
                                    .ldc = p.ldc},
                                   0, p.m);
    }
  }
}

template <class T>
constexpr PackedGemm<T> kernels_of<PackedGemm<T>> = {multiply<T>};

}  // namespace

template const PackedGemm<float>& Tables<Isa::GRADUS_ISA>::get();
template const PackedGemm<double>& Tables<Isa::GRADUS_ISA>::get();

}  // namespace gradus::kernels
