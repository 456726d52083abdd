// Initial values of parameters.
//
// All functions draw from default_rng(Stream::init), write in place under NoGrad and return
// the tensor they were given. Names, meaning and defaults are those of torch.nn.init.
#pragma once

#include "../core/tensor.h"

namespace gradus::nn {

/// What follows the weight; determines the gain.
enum class Nonlinearity { linear, sigmoid, tanh, relu, leaky_relu, selu };
/// Keep the variance of activations (fan_in) or of gradients (fan_out).
enum class FanMode { fan_in, fan_out };

/// The number of inputs of one output, and of outputs of one input, for a weight [out, in, k...].
struct Fans {
  int64_t in;   ///< size(1) times the positions of a kernel
  int64_t out;  ///< size(0) times the positions of a kernel
};
/// Those of `weight`. Throws ShapeError for fewer than two dimensions.
Fans fans(const Tensor& weight);

/// 1 for linear and sigmoid, 5/3 for tanh, sqrt(2) for relu, sqrt(2 / (1 + slope^2)) for
/// leaky_relu, 3/4 for selu.
double gain(Nonlinearity nonlinearity, double negative_slope = 0.01);

/// Uniform in [lo, hi). Throws ValueError for lo > hi.
Tensor uniform_(Tensor tensor, double lo = 0, double hi = 1);
/// Normal. Throws ValueError for a negative standard deviation.
Tensor normal_(Tensor tensor, double mean = 0, double std = 1);
/// Every element `value`.
Tensor constant_(Tensor tensor, double value);

/// Options of kaiming_uniform_ and kaiming_normal_.
struct KaimingOptions {
  double a = 0;                    ///< negative slope of the leaky_relu; 0 makes it a relu
  FanMode mode = FanMode::fan_in;  ///< which of the weight's Fans divides the variance
  Nonlinearity nonlinearity = Nonlinearity::leaky_relu;  ///< determines the gain
};
/// Standard deviation gain / sqrt(fan), as uniform in +-sqrt(3) of it (He et al., "Delving deep
/// into rectifiers", arXiv 1502.01852), or normal. Throws ShapeError as fans does.
/// @{
Tensor kaiming_uniform_(Tensor tensor, const KaimingOptions& options = {});
Tensor kaiming_normal_(Tensor tensor, const KaimingOptions& options = {});
/// @}

/// Standard deviation gain sqrt(2 / (fan_in + fan_out)) (Glorot and Bengio, "Understanding the
/// difficulty of training deep feedforward neural networks", AISTATS 2010), uniform or normal.
/// Throws ShapeError as fans does.
/// @{
Tensor xavier_uniform_(Tensor tensor, double gain = 1);
Tensor xavier_normal_(Tensor tensor, double gain = 1);
/// @}

/// The initial values of Linear and Conv2d in PyTorch: weight and bias uniform in +-1/sqrt(fan_in)
/// of the weight, which is kaiming_uniform_ with a = sqrt(5). The bias may be undefined.
void reset_weight_and_bias(const Tensor& weight, const Tensor& bias);

}  // namespace gradus::nn
