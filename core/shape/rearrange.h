// Copies that rearrange elements. Part of ops.h, which states the conventions.
#pragma once

#include <initializer_list>
#include <optional>
#include <span>

#include "../tensor.h"

namespace gradus {

/// One after the other along `dim`; all other sizes are equal.
/// @{
Tensor cat(std::span<const Tensor> tensors, int64_t dim = 0);
Tensor cat(std::initializer_list<Tensor> tensors, int64_t dim = 0);
/// @}
/// Tensors of the same shape, one after the other along a new dimension `dim`.
/// @{
Tensor stack(std::span<const Tensor> tensors, int64_t dim = 0);
Tensor stack(std::initializer_list<Tensor> tensors, int64_t dim = 0);
/// @}
/// `repeats[i]` copies side by side along dimension i; as torch.Tensor.repeat.
Tensor repeat(const Tensor& x, const Shape& repeats);
/// Reverses the order along each of `dims`.
Tensor flip(const Tensor& x, const Dims& dims);
/// Elements shifted by `shift` along `dim`, or in the flattened tensor; the last become the first.
Tensor roll(const Tensor& x, int64_t shift, std::optional<int64_t> dim = {});
/// Where pad takes elements from: a constant; the elements next to the edge, mirrored; the edge
/// itself; the opposite side.
enum class PadMode { constant, reflect, replicate, circular };
/// `pads` lists (begin, end) pairs from the last dimension backwards, as torch's pad. Negative pads
/// crop (constant mode only).
Tensor pad(const Tensor& x, std::span<const int64_t> pads, PadMode mode = PadMode::constant,
           double value = 0);
/// Matrices [..., n, m] with 0 above (tril) or below (triu) the diagonal column - row = diagonal.
/// @{
Tensor tril(const Tensor& x, int64_t diagonal = 0);
Tensor triu(const Tensor& x, int64_t diagonal = 0);
/// @}

}  // namespace gradus
