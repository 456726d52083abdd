// Pools that give or take indices: more than one tensor, so not a plain forward.
#pragma once

#include "../../nn/module.h"
#include "fixture.h"

namespace gradus::conformance {

/// What a max pool built with `return_indices` gives. Throws Unsupported for other layers.
Tensors call_with_indices(nn::Module& layer, const Tensor& x);
/// A layer of two inputs. Throws Unsupported for all but unpools.
Tensors call_with_two(nn::Module& layer, const Tensor& x, const Tensor& indices);

}  // namespace gradus::conformance
