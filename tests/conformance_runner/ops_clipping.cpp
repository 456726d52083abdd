// Clipping of gradients.
#include "../../core/ops.h"
#include "../../optim/clip.h"
#include "op_table.h"

namespace gradus::conformance {
namespace {

/// Parameters that have these gradients.
NamedTensors with_gradients(const Tensors& gradients) {
  NamedTensors parameters;
  for (const Tensor& g : gradients) {
    Tensor p = zeros(g.shape(), g.dtype());
    p.requires_grad_().set_grad(g);
    parameters.push_back({"p" + std::to_string(parameters.size()), p});
  }
  return parameters;
}

Tensors gradients_of(const NamedTensors& parameters) {
  Tensors gradients;
  for (const NamedTensor& p : parameters) gradients.push_back(p.tensor.grad());
  return gradients;
}

Tensors clip_norm_row(const Tensors& x, Options& options) {
  const NamedTensors parameters = with_gradients(x);
  const double norm =
      optim::clip_grad_norm_(parameters, options.number("max_norm"),
                             {.norm_type = options.number("norm_type", 2),
                              .error_if_nonfinite = options.boolean("error_if_nonfinite", false)});
  Tensors outputs = gradients_of(parameters);
  outputs.push_back(full({}, norm, x.at(0).dtype()));
  return outputs;
}

Tensors clip_value_row(const Tensors& x, Options& options) {
  const NamedTensors parameters = with_gradients(x);
  optim::clip_grad_value_(parameters, options.number("clip_value"));
  return gradients_of(parameters);
}

}  // namespace

OpTable clipping_ops() {
  return {{"clip_grad_norm_", clip_norm_row}, {"clip_grad_value_", clip_value_row}};
}

}  // namespace gradus::conformance
