// Activation functions as layers; the formulas are in core/ops.h.
#pragma once

#include "../core/base/name.h"
#include "function_layer.h"

namespace gradus::nn {

/// Options of an activation that has none.
template <Name name, auto function>
struct NoOptions {
  static constexpr const char* type = name.text;
  void describe(OptionVisitor&) {}
  Tensor apply(const Tensor& x) const { return function(x); }
};
/// A function without options as a layer, with this name in model files.
template <Name name, auto function>
using Activation = FunctionLayer<NoOptions<name, function>>;

using ReLU = Activation<"ReLU", relu>;           ///< max(x, 0); see gradus::relu
using SiLU = Activation<"SiLU", silu>;           ///< x sigmoid(x), also called swish
using Sigmoid = Activation<"Sigmoid", sigmoid>;  ///< 1 / (1 + exp(-x))
using Tanh = Activation<"Tanh", tanh>;           ///< the hyperbolic tangent
using SELU = Activation<"SELU", selu>;  ///< the scaled ELU that keeps mean 0 and variance 1
using Mish = Activation<"Mish", mish>;  ///< x tanh(log(1 + exp(x)))
using LogSigmoid = Activation<"LogSigmoid", log_sigmoid>;  ///< log(sigmoid(x))
using Softsign = Activation<"Softsign", softsign>;         ///< x / (1 + |x|)
using Tanhshrink = Activation<"Tanhshrink", tanhshrink>;   ///< x - tanh(x)
using ReLU6 = Activation<"ReLU6", relu6>;                  ///< x limited to [0, 6]
using Hardsigmoid =
    Activation<"Hardsigmoid", hardsigmoid>;            ///< x + 3 limited to [0, 6], divided by 6
using Hardswish = Activation<"Hardswish", hardswish>;  ///< x times Hardsigmoid
/// Their options.
/// @{
using ReLUOptions = ReLU::Options;
using SiLUOptions = SiLU::Options;
using SigmoidOptions = Sigmoid::Options;
using TanhOptions = Tanh::Options;
using SELUOptions = SELU::Options;
using MishOptions = Mish::Options;
using LogSigmoidOptions = LogSigmoid::Options;
using SoftsignOptions = Softsign::Options;
using TanhshrinkOptions = Tanhshrink::Options;
using ReLU6Options = ReLU6::Options;
using HardsigmoidOptions = Hardsigmoid::Options;
using HardswishOptions = Hardswish::Options;
/// @}

/// Options of a function that goes along a dimension.
template <Name name, auto function>
struct DimOptions {
  static constexpr const char* type = name.text;
  int64_t dim = -1;  ///< along which a softmax sums to 1; for GLU, whose size is halved: it is even
  void describe(OptionVisitor& visit) { visit("dim", dim); }
  Tensor apply(const Tensor& x) const { return function(x, dim); }
};
/// Options of those.
/// @{
using SoftmaxOptions = DimOptions<"Softmax", softmax>;
using LogSoftmaxOptions = DimOptions<"LogSoftmax", log_softmax>;
using SoftminOptions = DimOptions<"Softmin", softmin>;
using GLUOptions = DimOptions<"GLU", glu>;
/// @}
/// exp(x) divided by its sum along `dim`: probabilities. For training use cross_entropy, which
/// takes logits; see gradus::softmax.
using Softmax = FunctionLayer<SoftmaxOptions>;
/// The logarithm of Softmax, for nll_loss; see gradus::log_softmax.
using LogSoftmax = FunctionLayer<LogSoftmaxOptions>;
/// Softmax of -x; see gradus::softmin.
using Softmin = FunctionLayer<SoftminOptions>;
/// a sigmoid(b) for the two halves a, b of x along `dim`; see gradus::glu.
using GLU = FunctionLayer<GLUOptions>;

/// Options of a function with a constant alpha. What the function refuses throws ValueError.
template <Name name, auto function>
struct AlphaOptions {
  static constexpr const char* type = name.text;
  double alpha = 1;  ///< -alpha is the limit for x to minus infinity; CELU rejects 0
  void describe(OptionVisitor& visit) { visit("alpha", alpha); }
  void check() const { apply(zeros({0})); }
  Tensor apply(const Tensor& x) const { return function(x, alpha); }
};
/// Options of those.
/// @{
using ELUOptions = AlphaOptions<"ELU", elu>;
using CELUOptions = AlphaOptions<"CELU", celu>;
/// @}
/// x where x > 0, else alpha (exp(x) - 1); see gradus::elu.
using ELU = FunctionLayer<ELUOptions>;
/// x where x > 0, else alpha (exp(x / alpha) - 1); see gradus::celu.
using CELU = FunctionLayer<CELUOptions>;

/// Options of a function that shrinks by lambda. What the function refuses throws ValueError.
template <Name name, auto function>
struct ShrinkOptions {
  static constexpr const char* type = name.text;
  double lambda = 0.5;  ///< called "lambd" in model files, as in PyTorch; Softshrink: at least 0
  void describe(OptionVisitor& visit) { visit("lambd", lambda); }
  void check() const { apply(zeros({0})); }
  Tensor apply(const Tensor& x) const { return function(x, lambda); }
};
/// Options of those.
/// @{
using HardshrinkOptions = ShrinkOptions<"Hardshrink", hardshrink>;
using SoftshrinkOptions = ShrinkOptions<"Softshrink", softshrink>;
/// @}
/// x where |x| > lambda, else 0; see gradus::hardshrink.
using Hardshrink = FunctionLayer<HardshrinkOptions>;
/// x moved towards 0 by lambda; see gradus::softshrink.
using Softshrink = FunctionLayer<SoftshrinkOptions>;

/// Options of LeakyReLU.
struct LeakyReLUOptions {
  static constexpr const char* type = "LeakyReLU";
  double negative_slope = 0.01;  ///< of the line for x < 0
  void describe(OptionVisitor& visit) { visit("negative_slope", negative_slope); }
  Tensor apply(const Tensor& x) const { return leaky_relu(x, negative_slope); }
};
/// x where x > 0, else negative_slope x; see gradus::leaky_relu.
using LeakyReLU = FunctionLayer<LeakyReLUOptions>;

/// Options of GELU.
struct GELUOptions {
  static constexpr const char* type = "GELU";
  Gelu approximate = Gelu::exact;  ///< exact is called "none" in model files
  void describe(OptionVisitor& visit) {
    visit.choice("approximate", approximate, {"none", "tanh"});
  }
  Tensor apply(const Tensor& x) const { return gelu(x, approximate); }
};
/// x times the normal distribution function; see gradus::gelu.
using GELU = FunctionLayer<GELUOptions>;

/// Options of Softplus.
struct SoftplusOptions {
  static constexpr const char* type = "Softplus";
  double beta = 1;        ///< sharpness of the bend at 0
  double threshold = 20;  ///< if beta x is above it, the result is x
  void describe(OptionVisitor& visit) {
    visit("beta", beta);
    visit("threshold", threshold);
  }
  Tensor apply(const Tensor& x) const { return softplus(x, beta, threshold); }
};
/// log(1 + exp(beta x)) / beta, a smooth ReLU; see gradus::softplus.
using Softplus = FunctionLayer<SoftplusOptions>;

/// Options of Hardtanh.
struct HardtanhOptions {
  static constexpr const char* type = "Hardtanh";
  double min_val = -1;  ///< smaller values become this; less than max_val, else ValueError
  double max_val = 1;   ///< larger values become this
  void describe(OptionVisitor& visit) {
    visit("min_val", min_val);
    visit("max_val", max_val);
  }
  void check() const { apply(zeros({0})); }  // the operation rejects invalid options
  Tensor apply(const Tensor& x) const { return hardtanh(x, min_val, max_val); }
};
/// x limited to [min_val, max_val]; see gradus::hardtanh.
using Hardtanh = FunctionLayer<HardtanhOptions>;

/// Options of Threshold.
struct ThresholdOptions {
  static constexpr const char* type = "Threshold";
  double threshold = 0;  ///< larger values stay; required in model files
  double value = 0;      ///< the others become this; required in model files
  void describe(OptionVisitor& visit) {
    visit.required("threshold", threshold);
    visit.required("value", value);
  }
  Tensor apply(const Tensor& x) const { return gradus::threshold(x, threshold, value); }
};
/// x where x > threshold, else value; see gradus::threshold.
using Threshold = FunctionLayer<ThresholdOptions>;

/// Options of PReLU.
struct PReLUOptions {
  static constexpr const char* type = "PReLU";
  int64_t num_parameters = 1;  ///< 1, or one for each channel of [N, C, ...]
  double init = 0.25;          ///< of the weight, for all channels
  void describe(OptionVisitor& visit) {
    visit("num_parameters", num_parameters);
    visit("init", init);
  }
  void check() const { check_at_least(type, "num_parameters", num_parameters, 1); }
};

/// x where x > 0, else weight x, with a trained weight [num_parameters] that starts at `init` (He
/// et al., arXiv 1502.01852). Throws ValueError for num_parameters below 1.
class PReLU : public Layer<PReLUOptions> {
 public:
  explicit PReLU(const PReLUOptions& o = {})
      : Layer(o), weight(parameter("weight", full({o.num_parameters}, o.init))) {}
  Tensor forward(const Tensor& x) override { return prelu(x, weight); }

  Tensor& weight;  ///< [num_parameters]
};

}  // namespace gradus::nn
