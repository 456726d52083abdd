// Elements at positions given by an index tensor. Part of ops.h, which states the conventions.
#pragma once

#include <optional>

#include "../tensor.h"

namespace gradus {

/// out[i][j]... = x with the index along `dim` replaced by index[i][j]... (int64).
Tensor gather(const Tensor& x, int64_t dim, const Tensor& index);
/// Zeros of `shape` with source added at the positions that gather would read: its transpose.
Tensor scatter_add(const Shape& shape, int64_t dim, const Tensor& index, const Tensor& source);
/// x with the source, or a value, written to the places that gather would read. If places coincide,
/// the last element of the source stays, and gets the gradient.
/// @{
Tensor scatter(const Tensor& x, int64_t dim, const Tensor& index, const Tensor& source);
Tensor scatter(const Tensor& x, int64_t dim, const Tensor& index, double value);
/// @}
/// Rows (along `dim`) number index[0], index[1] ...; index is 1-d int64.
Tensor index_select(const Tensor& x, int64_t dim, const Tensor& index);
/// Row number index[...] of weight [V, D], for int64 indices of any shape: [..., D]. The gradient
/// of row `padding_idx` (negative counts from the end) is zero.
Tensor embedding(const Tensor& weight, const Tensor& index,
                 std::optional<int64_t> padding_idx = {});
/// The elements where `mask` (bool, broadcast against x) is true, in row-major order: [n].
Tensor masked_select(const Tensor& x, const Tensor& mask);
/// The positions [n, x.dim()] of elements other than 0, in row-major order: int64.
Tensor nonzero(const Tensor& x);
/// [...] int64 classes to [..., num_classes] zeros and ones (int64); by default as many as the
/// largest class requires, which needs at least one class.
Tensor one_hot(const Tensor& classes, std::optional<int64_t> num_classes = {});

}  // namespace gradus
