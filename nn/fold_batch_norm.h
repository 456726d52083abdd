// Norms and the linear or convolutional layers right before them.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "sequential.h"

namespace gradus::nn {

/// A Linear or Conv2d whose output goes only to a norm, found by following the layers of
/// Sequentials in order; within a Residual, body and shortcut are treated separately.
struct LayerBeforeNorm {
  std::string layer_path, norm_path;
  const Module* layer;  ///< lives as long as the net
  const Module* norm;   ///< likewise
};
/// All of them, in the order of the net.
std::vector<LayerBeforeNorm> layers_before_norms(const Module& net);

/// Those of them whose bias has no effect in training, since the norm subtracts the mean of each
/// channel: batch norm, instance norm, and group norm with a group per channel. The gradient of the
/// bias is exactly 0; build the layer with bias = false.
std::vector<LayerBeforeNorm> dead_biases(const Module& net);

/// Those of a layer with a norm folded in.
struct FoldedParameters {
  Tensor weight, bias;
};
/// The weight and bias with which `layer` alone computes what it and `norm` behind it compute in
/// evaluation (see fold_batch_norm), for inputs of `dims` dimensions. Undefined if the norm has no
/// running statistics, or does not have one of each for every output channel of the layer, or if
/// numbers would leave the range of the layer's type.
FoldedParameters folded_parameters(const Module& layer, const Module& norm, int dims);

/// A new net for evaluation that computes what `net` computes in evaluation, with each norm that
/// has running statistics folded into the layer before it, if that is one of the above:
///
///     weight' = weight s,  bias' = (bias - running_mean) s + bias_of_norm,
///     s = weight_of_norm / sqrt(running_var + eps), per output channel.
///
/// All other layers, names and values are copied; `net` stays as it is. A Linear layer before a
/// BatchNorm1d is assumed to work on [N, C]. Throws ValueError for layers of a type of your own.
std::unique_ptr<Sequential> fold_batch_norm(const Sequential& net);

}  // namespace gradus::nn
