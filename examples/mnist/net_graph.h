// A net as a picture: its layers, and what each gets.
#pragma once

#include <gradus/core/base/shape.h>
#include <gradus/nn/module.h>

#include <string>

namespace gradus::examples {

/// The graph of the layers of a net that is called with one sample of this shape, for Graphviz:
/// found by recording a call on a tape. What a module computes itself beside its layers, such as
/// the sum of a residual block, is a node of its own. Throws what the call throws.
std::string net_graph(nn::Module& net, const Shape& sample);

/// The picture of it, an `<svg>` element. Throws IoError if Graphviz' program dot cannot be run.
std::string net_picture(nn::Module& net, const Shape& sample);

}  // namespace gradus::examples
