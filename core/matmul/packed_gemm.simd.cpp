// Compiled once per instruction set; see isa.h.
//
// B is copied in panels of a few columns and a few hundred rows. While blocks of rows of A pass by,
// a panel stays in the first-level cache, and the panels and rows that meet in the second. A block
// of C is a square of registers. A is read in place, number by number.
#include "gemm_kernel.h"

#include <cstring>
#include <utility>

#include "../simd/kernels_of.h"
#include "../simd/transpose_matrix.h"
#include "../simd/workspace.h"
#include "register_tile.simd.h"

namespace gradus::kernels {

namespace {

constexpr int panel_vectors = 2, block_rows = vector_bytes == 64 ? 12 : 6;
constexpr int64_t panel_rows = 256, rows_at_once = 96;
constexpr int64_t panel_numbers = 1 << 14;  // of the panels that are copied together
template <class T>
constexpr int64_t panel_columns = panel_vectors* width<T>;

/// The part of C that one panel of B contributes to.
template <class T>
struct Panel {
  int64_t rows;     // of A and C
  int64_t depth;    // rows of the panel
  int64_t columns;  // those that are there
  const T* a;
  int64_t a_row, a_step;  // A[r][k] is a[r * a_row + k * a_step]
  const T* b;             // [depth][panel_columns], rows b_stride apart
  int64_t b_stride;
  T beta;
  T* c;
  int64_t ldc;
};

template <class T, int rows, int vectors>
void multiply_block(const Panel<T>& p, int64_t first) {
  using V = Vector<T>;
  constexpr int64_t w = width<T>;
  const T* const a = p.a + first * p.a_row;
  T* const to = p.c + first * p.ldc;
  const bool adds = p.beta != 0;
  for (int r = 0; !adds && r < rows; ++r) __builtin_prefetch(to + r * p.ldc, 1);
  V sum[rows][vectors] = {};
  add_products(p.depth, a, p.a_row, p.a_step, p.b, p.b_stride, sum);
  const int64_t ldc = p.ldc, columns = p.columns;
  const V beta = broadcast<V>(p.beta);
  const bool is_whole = columns == vectors * w;
#pragma GCC unroll 12
  for (int r = 0; r < rows; ++r) {
#pragma GCC unroll 8
    for (int v = 0; v < vectors; ++v) {
      T* const at = to + r * ldc + v * w;
      const int64_t n = is_whole ? w : smaller(columns - v * w, w);
      if (adds) sum[r][v] += beta * (n == w ? load<V>(at) : load_first<T>(n, at));
      n == w ? store(at, sum[r][v]) : store_first<T>(n, at, sum[r][v]);
    }
  }
}

template <class T, int vectors>
void multiply_panel(const Panel<T>& p) {
  for_blocks<block_rows>(0, p.rows,
                         [&]<int rows>(int64_t i) { multiply_block<T, rows, vectors>(p, i); });
}

/// Panels of B one after the other. Behind the last column is a vector filled with zeros, at most.
template <class T>
void pack(bool transpose_b, int64_t depth, int64_t columns, const T* b, int64_t ldb, T* to) {
  constexpr int64_t w = width<T>, full = panel_columns<T>;
  if (transpose_b) {
    for (int64_t j = 0; j < columns; j += full) {
      transpose_matrix<T, true>(
          smaller(columns - j, full), depth, [&](int64_t i) { return b + (j + i) * ldb; },
          [&](int64_t k) { return to + j * depth + k * full; });
    }
    return;
  }
  for (int64_t k = 0; k < depth; ++k) {  // rows of memory in their order
    const T* const from = b + k * ldb;
    T* target = to + k * full;
    int64_t j = 0;
    for (; j + full <= columns; j += full, target += depth * full) {
      for (int64_t i = 0; i < full; i += w) store(target + i, load<Vector<T>>(from + j + i));
    }
    for (int64_t i = 0; i < columns - j; i += w) {
      store(target + i, load_first<T>(smaller(w, columns - j - i), from + j + i));
    }
  }
}

/// Vectors of a block with few rows; some registers are for B.
constexpr int vectors_of(int rows) {
  int vectors = panel_vectors;
  while (vectors < 8 && 2 * vectors * rows < block_rows * panel_vectors) vectors *= 2;
  return vectors;
}

/// Multiplies columns of B in place, where all rows of A are one block, from p.c on, and returns
/// their number.
template <class T, int rows, int vectors = vectors_of(rows)>
int64_t multiply_in_place(Panel<T> p) {
  constexpr int64_t n = vectors * width<T>;
  const int64_t columns = std::exchange(p.columns, n);
  int64_t done = 0;
  for (; done + n <= columns; done += n, p.b += n, p.c += n) multiply_block<T, rows, vectors>(p, 0);
  p.columns = columns - done;
  if constexpr (vectors > panel_vectors) done += multiply_in_place<T, rows, vectors / 2>(p);
  return done;
}

/// Copies of what is being multiplied: some panels of B; and where A is transposed and large, so
/// that its blocks are far apart in memory, some rows of it.
template <class T>
struct Copies {
  explicit Copies(const MatrixProduct<T>& p)
      : copies_a(p.transpose_a && p.m * smaller(p.k, panel_rows) > 1 << 15),
        columns(round_up(smaller(panel_numbers / smaller(p.k, panel_rows), p.n), panel_columns<T>)),
        a(copies_a ? rows_at_once * panel_rows : 0),
        b(smaller(p.k, panel_rows) * columns) {}
  bool copies_a;
  int64_t columns;  // of B
  Workspace<T> a, b;
};

/// The product of some columns of A and the rows of B that they meet.
template <class T>
void multiply_depth(const MatrixProduct<T>& p, Panel<T> panel, const Copies<T>& copies) {
  constexpr int64_t full = panel_columns<T>;
  const T *const a = panel.a, *const b = panel.b;
  const bool may_stay = !p.transpose_b && p.m <= block_rows;  // B is read once
  int64_t column = 0;
  if (may_stay) {
    with_rows<block_rows>(p.m, [&]<int rows>() { column = multiply_in_place<T, rows>(panel); });
  }
  panel.b_stride = full;
  for (int64_t columns = 0; column < p.n; column += columns) {
    columns = smaller(copies.columns, p.n - column);
    pack(p.transpose_b, panel.depth, columns, b + column * (p.transpose_b ? p.ldb : 1), p.ldb,
         copies.b.data());
    for (int64_t row = 0; row < p.m; row += panel.rows) {
      panel.rows = smaller(rows_at_once, p.m - row);
      panel.a = a + row * (p.transpose_a ? 1 : p.lda);
      if (copies.copies_a) {
        for (int64_t k = 0; k < panel.depth; ++k) {
          std::memcpy(copies.a.data() + k * rows_at_once, panel.a + k * p.lda,
                      static_cast<size_t>(panel.rows) * sizeof(T));
        }
        panel.a = copies.a.data();
        panel.a_step = rows_at_once;
      }
      for (int64_t j = 0; j < columns; j += full) {
        panel.columns = smaller(full, columns - j);
        panel.b = copies.b.data() + j * panel.depth;
        panel.c = p.c + row * p.ldc + column + j;
        const bool is_thin = panel.columns <= width<T>;
        is_thin ? multiply_panel<T, 1>(panel) : multiply_panel<T, panel_vectors>(panel);
      }
    }
  }
}

template <class T>
void multiply(const MatrixProduct<T>& p) {
  const Copies<T> copies(p);
  const int64_t a_step = p.transpose_a ? p.lda : 1;
  const int64_t depths = (p.k + panel_rows - 1) / panel_rows, depth = (p.k + depths - 1) / depths;
  for (int64_t k = 0; k < p.k; k += depth) {
    multiply_depth(p,
                   {.rows = p.m,
                    .depth = smaller(depth, p.k - k),
                    .columns = p.n,
                    .a = p.a + k * a_step,
                    .a_row = p.transpose_a ? 1 : p.lda,
                    .a_step = a_step,
                    .b = p.b + k * (p.transpose_b ? 1 : p.ldb),
                    .b_stride = p.ldb,
                    .beta = k == 0 ? p.beta : T(1),
                    .c = p.c,
                    .ldc = p.ldc},
                   copies);
  }
}

template <class T>
constexpr PackedGemm<T> kernels_of<PackedGemm<T>> = {multiply<T>};

}  // namespace

template const PackedGemm<float>& Tables<Isa::GRADUS_ISA>::get();
template const PackedGemm<double>& Tables<Isa::GRADUS_ISA>::get();

}  // namespace gradus::kernels
