// Gradients as values.
#pragma once

#include <initializer_list>
#include <span>
#include <vector>

#include "tape.h"

namespace gradus {

/// Options of grad().
struct GradOptions {
  /// The gradient of y itself, of its shape and type; undefined means 1, for a y with one element.
  Tensor gradient = {};
  bool retain = false;        ///< keep what the entries saved, for another call
  bool create_graph = false;  ///< record, so that the result can be differentiated; implies retain
  /// Throw TapeError for an x that y does not depend on, rather than returning an undefined tensor.
  bool allow_unused = false;
};

/// Gradients of y with respect to each of xs, on the current tape: the vector-Jacobian products
/// with the gradient of y. The `.grad()` of leaves stays as it is. xs may be leaves or any tensors
/// that the tape computed. Throws TapeError without a tape, and like Tape::backward if y is not on
/// the tape or saved tensors were released.
///
///     Tensor g = grad(y, {x}, {.create_graph = true})[0];
///     Tensor h = grad(sum(g), {x})[0];                     // second derivative
/// @{
detail::List<Tensor> grad(const Tensor& y, std::span<const Tensor> xs,
                          const GradOptions& options = {});
detail::List<Tensor> grad(const Tensor& y, std::initializer_list<Tensor> xs,
                          const GradOptions& options = {});
/// @}

/// The same for several ys at once, each with its gradient: the sum of their contributions.
detail::List<Tensor> grad(std::span<const Tensor> ys, std::span<const Tensor> y_gradients,
                          std::span<const Tensor> xs, const GradOptions& options = {});

}  // namespace gradus
