// Layers and optimizers beyond those that are compared with peers.
#pragma once

#include <vector>

#include "cases.h"

namespace gradus::bench {

/// layer_cases(), and at least one case for every other type of layer that takes one tensor, and
/// for every optimizer.
std::vector<LayerCase> all_layer_cases();

}  // namespace gradus::bench
