// Loop nests on all threads.
#pragma once

#include "../base/parallel_for.h"
#include "strided.h"

namespace gradus::kernels {

/// Calls `row(offsets, n)` for every run of the nest in parallel pieces of about
/// elements_per_piece / `cost` elements; a single long run is split as well.
template <int N, class Row>
void parallel_rows(const Loop<N>& loop, const Row& row, int64_t cost = 1) {
  const int64_t piece = elements_per_piece / cost > 0 ? elements_per_piece / cost : 1;
  const int64_t inner = loop.size[0];
  if (loop.dims == 1) {
    parallel_for(inner, piece, [&](int64_t begin, int64_t end) {
      int64_t offset[N];
      for (int k = 0; k < N; ++k) offset[k] = begin * loop.stride[k][0];
      row(offset, end - begin);
    });
    return;
  }
  if (inner == 0) return;
  parallel_for(loop.rows(), piece / inner, [&](int64_t begin, int64_t end) {
    for_rows(loop, begin, end, [&](const int64_t* offset) { row(offset, inner); });
  });
}

}  // namespace gradus::kernels
