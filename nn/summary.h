// A net at a glance.
#pragma once

#include <string>

#include "module.h"

namespace gradus::nn {

/// A table of the net for an input of `input_shape` (with the batch): for each module its path,
/// type, output shape, own parameters, floating-point operations of its forward, and mode; then
/// totals, and notes on biases without effect (see dead_biases), on tensors that ask for a gradient
/// and are no parameters, and on parameters without use (see check_parameters). Runs one forward in
/// evaluation mode and leaves everything as it was: modes, statistics, gradients, random streams.
/// Throws what the forward throws.
std::string summary(Module& net, const Shape& input_shape);

}  // namespace gradus::nn
