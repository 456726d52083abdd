// A net at a glance.
#pragma once

#include <string>

#include "module.h"

namespace gradus::nn {

/// A table of the net for an input of `input_shape` (with the batch): for each module its path,
/// type, output shape, own parameters, floating-point operations of its forward pass, and mode;
/// then totals, and notes on biases without effect (see dead_biases), on tensors that require a
/// gradient and are not parameters, and on unused parameters (see check_parameters). Runs one
/// forward pass in evaluation mode and leaves everything as it was: modes, statistics, gradients,
/// random streams. Throws what the forward pass throws.
std::string summary(Module& net, const Shape& input_shape);

}  // namespace gradus::nn
