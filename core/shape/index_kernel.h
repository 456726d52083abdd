// Moving elements to and from positions given by an index.
#pragma once

#include <optional>

#include "../base/dtype.h"
#include "../simd/strided.h"

namespace gradus::kernels {

/// The first index outside [0, n), if there is one.
std::optional<int64_t> find_out_of_range(const Loop<1>& loop, const int64_t* index, int64_t n);

/// out = x[index * step]: the loop runs over (out, index, x), with stride 0 in x along the indexed
/// dimension, whose stride in x is `step`. Indices must be in range.
void gather(const Loop<3>& loop, DType dtype, void* out, const int64_t* index, const void* x,
            int64_t step);

/// Strides of the indexed dimension, and how many indices it has; for scatter and scatter_add.
struct ScatterAxis {
  int64_t n, out_step, index_step, source_step;
};
/// out[index] = source along one dimension: the loop runs over (out, index, source) in the others.
/// Of elements with the same position, the last one of the source stays.
void scatter(const Loop<3>& loop, DType dtype, const ScatterAxis& axis, void* out,
             const int64_t* index, const void* source);
/// out[index] += source along one dimension: the loop runs over (out, index, source) in the others.
/// Elements with the same position are added in the order of the source.
void scatter_add(const Loop<3>& loop, DType dtype, const ScatterAxis& axis, void* out,
                 const int64_t* index, const void* source);

}  // namespace gradus::kernels
