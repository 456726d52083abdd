// Which parameters of a net weight decay should apply to.
#pragma once

#include <functional>

#include "module.h"

namespace gradus::nn {

/// True for the parameters that should decay: weights of linear, convolution, recurrent and
/// embedding layers. False for biases, weights of norm layers whatever their shape, and parameters
/// with fewer than two dimensions (slopes, gates): pulling those towards 0 does not make a net
/// simpler. Goes by the tensors themselves, so that names may change.
///
///     optim::decay_groups(net.named_parameters(), 0.05, nn::decays(net))
std::function<bool(const NamedTensor&)> decays(const Module& net);

}  // namespace gradus::nn
