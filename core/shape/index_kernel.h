// Moving elements to and from places named by an index.
#pragma once

#include <optional>

#include "../base/dtype.h"
#include "../simd/strided.h"

namespace gradus::kernels {

/// The first index outside of [0, n), if there is one.
std::optional<int64_t> find_out_of_range(const Loop<1>& loop, const int64_t* index, int64_t n);

/// out = x[index * step]: the loop walks (out, index, x) with x at rest along the indexed
/// dimension, whose stride in x is `step`. Indices must be in range.
void gather(const Loop<3>& loop, DType dtype, void* out, const int64_t* index, const void* x,
            int64_t step);

/// Strides of the indexed dimension, and how many indices it has; for scatter and scatter_add.
struct ScatterAxis {
  int64_t n, out_step, index_step, source_step;
};
/// out[index] = source along one dimension: the loop walks (out, index, source) over the others. Of
/// elements that meet in one place, the last one of the source stays.
void scatter(const Loop<3>& loop, DType dtype, const ScatterAxis& axis, void* out,
             const int64_t* index, const void* source);
/// out[index] += source along one dimension: the loop walks (out, index, source) over the others.
/// Elements that meet in one place are added in the order of the source.
template <class T>
void scatter_add(const Loop<3>& loop, const ScatterAxis& axis, T* out, const int64_t* index,
                 const T* source);

}  // namespace gradus::kernels
