// Views: new shapes and strides over the same elements, none of which is copied. Part of ops.h,
// which states the conventions.
#pragma once

#include <optional>
#include <span>

#include "../base/list.h"
#include "../tensor.h"

namespace gradus {

/// One size may be -1 and follows from the others. If no view can do it, the copy is recorded
/// as `contiguous`.
Tensor reshape(const Tensor& x, const Shape& shape);
/// Merges dimensions start_dim to end_dim into one.
Tensor flatten(const Tensor& x, int64_t start_dim = 0, int64_t end_dim = -1);
/// Splits one dimension into several; one of their sizes may be -1.
Tensor unflatten(const Tensor& x, int64_t dim, const Shape& sizes);
/// Exchanges two dimensions.
Tensor transpose(const Tensor& x, int64_t dim0, int64_t dim1);
/// Dimension i of the result is dims[i] of x; each is named once.
Tensor permute(const Tensor& x, const Dims& dims);
/// Dimension `source` becomes dimension `destination`; the others keep their order.
Tensor movedim(const Tensor& x, int64_t source, int64_t destination);
/// Repeats dimensions of size 1; -1 keeps a size; new dimensions come first.
Tensor expand(const Tensor& x, const Shape& shape);
/// Removes one dimension of size 1 (nothing happens if its size is not 1), or all of them.
Tensor squeeze(const Tensor& x, std::optional<int64_t> dim = {});
/// Inserts a dimension of size 1 before dimension `dim`; -1 appends it.
Tensor unsqueeze(const Tensor& x, int64_t dim);
/// Elements start, start + step, ... of one dimension, `length` of them. Throws IndexError unless
/// all of them exist. narrow: with step 1.
/// @{
Tensor slice(const Tensor& x, int64_t dim, int64_t start, int64_t length, int64_t step = 1);
Tensor narrow(const Tensor& x, int64_t dim, int64_t start, int64_t length);
/// @}
/// One index of one dimension, which disappears. Negative indices count from the end.
Tensor select(const Tensor& x, int64_t dim, int64_t index);
/// All slices along `dim`, without that dimension: the inverse of stack.
detail::List<Tensor> unbind(const Tensor& x, int64_t dim = 0);
/// Parts of this size (the last may be smaller) or of these sizes, which must add up to x's.
/// @{
detail::List<Tensor> split(const Tensor& x, int64_t size, int64_t dim = 0);
detail::List<Tensor> split(const Tensor& x, std::span<const int64_t> sizes, int64_t dim = 0);
/// @}
/// Up to `chunks` parts of equal size, rounded up; the last may be smaller.
detail::List<Tensor> chunk(const Tensor& x, int64_t chunks, int64_t dim = 0);

}  // namespace gradus
