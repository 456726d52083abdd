// Gradients of a call, as the cases define them.
#pragma once

#include "checker.h"

namespace gradus::conformance {

/// The tensors whose gradients a case expects, made to ask for them: `grads` is parallel to
/// `inputs`, null where none is wanted.
void ask_for_gradients(Tensors& inputs, const Json& grads);

/// Gradients of the sum over outputs of sum(output * output_gradient) with respect to `wanted`,
/// zeros where nothing depends on one. On the current tape.
Tensors gradients(const Tensors& outputs, const Tensors& output_gradients, const Tensors& wanted,
                  bool create_graph = false);

/// Compares outputs and gradients of a call that was recorded on the current tape. `expected` has
/// the keys outputs, grad_outputs, grads {inputs, params}; `what` is put in front ("step 2: ").
void check_call(const Case& item, const Json& expected, const std::string& what,
                const Tensors& inputs, const Tensors& outputs, const NamedTensors& parameters,
                Checker& checker);

}  // namespace gradus::conformance
