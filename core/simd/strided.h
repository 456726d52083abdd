// Loop nests over strided operands.
#pragma once

#include <cstdint>

namespace gradus::kernels {

inline constexpr int max_loop_dims = 8;

/// A loop nest for N operands: dimension 0 is the innermost. Adjacent dimensions that every operand
/// traverses without a gap are merged, so contiguous operands give one dimension.
template <int N>
struct Loop {
  int dims = 0;  // at least 1 once made
  int64_t size[max_loop_dims];
  int64_t stride[N][max_loop_dims];

  /// Number of runs of the innermost dimension.
  int64_t rows() const {
    int64_t n = 1;
    for (int d = 1; d < dims; ++d) n *= size[d];
    return n;
  }
};

/// A loop nest over `dims` dimensions of row-major `shape`; `strides[k]` are those of operand k, in
/// elements, 0 where it is repeated.
template <int N>
Loop<N> make_loop(int dims, const int64_t* shape, const int64_t* const (&strides)[N]) {
  Loop<N> loop;
  for (int d = dims - 1; d >= 0; --d) {
    if (shape[d] == 1) continue;
    bool merge = loop.dims > 0;
    const int last = loop.dims - 1;
    for (int k = 0; merge && k < N; ++k) {
      merge = strides[k][d] == loop.stride[k][last] * loop.size[last];
    }
    if (merge) {
      loop.size[last] *= shape[d];
      continue;
    }
    loop.size[loop.dims] = shape[d];
    for (int k = 0; k < N; ++k) loop.stride[k][loop.dims] = strides[k][d];
    ++loop.dims;
  }
  if (loop.dims == 0) {
    loop.dims = 1;
    loop.size[0] = 1;
    for (int k = 0; k < N; ++k) loop.stride[k][0] = 0;
  }
  return loop;
}

/// Calls `body(offset)` for rows [begin, end) with the element offset of each operand's first
/// element of that row.
template <int N, class Body>
void for_rows(const Loop<N>& loop, int64_t begin, int64_t end, const Body& body) {
  if (begin >= end) return;  // some dimension may be 0, which the division below cannot take
  int64_t index[max_loop_dims] = {};
  int64_t offset[N] = {};
  int64_t rest = begin;
  for (int d = 1; d < loop.dims; ++d) {
    index[d] = rest % loop.size[d];
    rest /= loop.size[d];
    for (int k = 0; k < N; ++k) offset[k] += index[d] * loop.stride[k][d];
  }
  for (int64_t row = begin; row < end; ++row) {
    body(offset);
    for (int d = 1; d < loop.dims; ++d) {
      for (int k = 0; k < N; ++k) offset[k] += loop.stride[k][d];
      if (++index[d] < loop.size[d]) break;
      index[d] = 0;
      for (int k = 0; k < N; ++k) offset[k] -= loop.stride[k][d] * loop.size[d];
    }
  }
}

/// Elements in one piece of a parallel elementwise loop: fixed, so that the pieces do not depend on
/// the number of threads.
inline constexpr int64_t elements_per_piece = 16384;

}  // namespace gradus::kernels
