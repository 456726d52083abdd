// Activation functions as layers; the formulas are in core/ops.h.
#pragma once

#include "function_layer.h"

namespace gradus::nn {

/// ReLU has no options.
struct ReLUOptions {
  static constexpr const char* type = "ReLU";
  void describe(OptionVisitor&) {}
  Tensor apply(const Tensor& x) const { return relu(x); }
};
/// max(x, 0); see gradus::relu.
using ReLU = FunctionLayer<ReLUOptions>;

/// Options of LeakyReLU.
struct LeakyReLUOptions {
  static constexpr const char* type = "LeakyReLU";
  double negative_slope = 0.01;  ///< of the line for x < 0
  void describe(OptionVisitor& visit) { visit("negative_slope", negative_slope); }
  Tensor apply(const Tensor& x) const { return leaky_relu(x, negative_slope); }
};
/// x where x > 0, else negative_slope x; see gradus::leaky_relu.
using LeakyReLU = FunctionLayer<LeakyReLUOptions>;

/// Options of ELU.
struct ELUOptions {
  static constexpr const char* type = "ELU";
  double alpha = 1;  ///< -alpha is the limit for x to minus infinity
  void describe(OptionVisitor& visit) { visit("alpha", alpha); }
  Tensor apply(const Tensor& x) const { return elu(x, alpha); }
};
/// x where x > 0, else alpha (exp(x) - 1); see gradus::elu.
using ELU = FunctionLayer<ELUOptions>;

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

/// SiLU has no options.
struct SiLUOptions {
  static constexpr const char* type = "SiLU";
  void describe(OptionVisitor&) {}
  Tensor apply(const Tensor& x) const { return silu(x); }
};
/// x sigmoid(x), also called swish; see gradus::silu.
using SiLU = FunctionLayer<SiLUOptions>;

/// Sigmoid has no options.
struct SigmoidOptions {
  static constexpr const char* type = "Sigmoid";
  void describe(OptionVisitor&) {}
  Tensor apply(const Tensor& x) const { return sigmoid(x); }
};
/// 1 / (1 + exp(-x)); see gradus::sigmoid.
using Sigmoid = FunctionLayer<SigmoidOptions>;

/// Tanh has no options.
struct TanhOptions {
  static constexpr const char* type = "Tanh";
  void describe(OptionVisitor&) {}
  Tensor apply(const Tensor& x) const { return tanh(x); }
};
/// The hyperbolic tangent; see gradus::tanh.
using Tanh = FunctionLayer<TanhOptions>;

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

/// Options of Softmax.
struct SoftmaxOptions {
  static constexpr const char* type = "Softmax";
  int64_t dim = -1;  ///< along which it sums to 1
  void describe(OptionVisitor& visit) { visit("dim", dim); }
  Tensor apply(const Tensor& x) const { return softmax(x, dim); }
};
/// exp(x) divided by its sum along `dim`: probabilities. For training use cross_entropy, which
/// takes logits; see gradus::softmax.
using Softmax = FunctionLayer<SoftmaxOptions>;

/// Options of LogSoftmax.
struct LogSoftmaxOptions {
  static constexpr const char* type = "LogSoftmax";
  int64_t dim = -1;  ///< along which the probabilities sum to 1
  void describe(OptionVisitor& visit) { visit("dim", dim); }
  Tensor apply(const Tensor& x) const { return log_softmax(x, dim); }
};
/// The logarithm of Softmax, for nll_loss; see gradus::log_softmax.
using LogSoftmax = FunctionLayer<LogSoftmaxOptions>;

/// Options of Softmin.
struct SoftminOptions {
  static constexpr const char* type = "Softmin";
  int64_t dim = -1;  ///< along which it sums to 1
  void describe(OptionVisitor& visit) { visit("dim", dim); }
  Tensor apply(const Tensor& x) const { return softmin(x, dim); }
};
/// Softmax of -x; see gradus::softmin.
using Softmin = FunctionLayer<SoftminOptions>;

/// SELU has no options.
struct SELUOptions {
  static constexpr const char* type = "SELU";
  void describe(OptionVisitor&) {}
  Tensor apply(const Tensor& x) const { return selu(x); }
};
/// The scaled ELU that keeps mean 0 and variance 1; see gradus::selu.
using SELU = FunctionLayer<SELUOptions>;

/// Options of CELU.
struct CELUOptions {
  static constexpr const char* type = "CELU";
  double alpha = 1;  ///< -alpha is the limit for x to minus infinity; 0 throws ValueError
  void describe(OptionVisitor& visit) { visit("alpha", alpha); }
  void check() const { apply(zeros({0})); }  // the operation rejects invalid options
  Tensor apply(const Tensor& x) const { return celu(x, alpha); }
};
/// x where x > 0, else alpha (exp(x / alpha) - 1); see gradus::celu.
using CELU = FunctionLayer<CELUOptions>;

/// Mish has no options.
struct MishOptions {
  static constexpr const char* type = "Mish";
  void describe(OptionVisitor&) {}
  Tensor apply(const Tensor& x) const { return mish(x); }
};
/// x tanh(log(1 + exp(x))); see gradus::mish.
using Mish = FunctionLayer<MishOptions>;

/// LogSigmoid has no options.
struct LogSigmoidOptions {
  static constexpr const char* type = "LogSigmoid";
  void describe(OptionVisitor&) {}
  Tensor apply(const Tensor& x) const { return log_sigmoid(x); }
};
/// log(sigmoid(x)); see gradus::log_sigmoid.
using LogSigmoid = FunctionLayer<LogSigmoidOptions>;

/// Softsign has no options.
struct SoftsignOptions {
  static constexpr const char* type = "Softsign";
  void describe(OptionVisitor&) {}
  Tensor apply(const Tensor& x) const { return softsign(x); }
};
/// x / (1 + |x|); see gradus::softsign.
using Softsign = FunctionLayer<SoftsignOptions>;

/// Tanhshrink has no options.
struct TanhshrinkOptions {
  static constexpr const char* type = "Tanhshrink";
  void describe(OptionVisitor&) {}
  Tensor apply(const Tensor& x) const { return tanhshrink(x); }
};
/// x - tanh(x); see gradus::tanhshrink.
using Tanhshrink = FunctionLayer<TanhshrinkOptions>;

/// Options of Hardtanh.
struct HardtanhOptions {
  static constexpr const char* type = "Hardtanh";
  double min_val = -1;  ///< what is below becomes this; less than max_val, else ValueError
  double max_val = 1;   ///< what is above becomes this
  void describe(OptionVisitor& visit) {
    visit("min_val", min_val);
    visit("max_val", max_val);
  }
  void check() const { apply(zeros({0})); }  // the operation rejects invalid options
  Tensor apply(const Tensor& x) const { return hardtanh(x, min_val, max_val); }
};
/// x limited to [min_val, max_val]; see gradus::hardtanh.
using Hardtanh = FunctionLayer<HardtanhOptions>;

/// ReLU6 has no options.
struct ReLU6Options {
  static constexpr const char* type = "ReLU6";
  void describe(OptionVisitor&) {}
  Tensor apply(const Tensor& x) const { return relu6(x); }
};
/// x limited to [0, 6]; see gradus::relu6.
using ReLU6 = FunctionLayer<ReLU6Options>;

/// Hardsigmoid has no options.
struct HardsigmoidOptions {
  static constexpr const char* type = "Hardsigmoid";
  void describe(OptionVisitor&) {}
  Tensor apply(const Tensor& x) const { return hardsigmoid(x); }
};
/// x + 3 limited to [0, 6], divided by 6; see gradus::hardsigmoid.
using Hardsigmoid = FunctionLayer<HardsigmoidOptions>;

/// Hardswish has no options.
struct HardswishOptions {
  static constexpr const char* type = "Hardswish";
  void describe(OptionVisitor&) {}
  Tensor apply(const Tensor& x) const { return hardswish(x); }
};
/// x times Hardsigmoid; see gradus::hardswish.
using Hardswish = FunctionLayer<HardswishOptions>;

/// Options of Hardshrink.
struct HardshrinkOptions {
  static constexpr const char* type = "Hardshrink";
  double lambda = 0.5;  ///< called "lambd" in model files, as in PyTorch
  void describe(OptionVisitor& visit) { visit("lambd", lambda); }
  Tensor apply(const Tensor& x) const { return hardshrink(x, lambda); }
};
/// x where |x| > lambda, else 0; see gradus::hardshrink.
using Hardshrink = FunctionLayer<HardshrinkOptions>;

/// Options of Softshrink.
struct SoftshrinkOptions {
  static constexpr const char* type = "Softshrink";
  double lambda = 0.5;  ///< at least 0, else ValueError; "lambd" in model files, as in PyTorch
  void describe(OptionVisitor& visit) { visit("lambd", lambda); }
  void check() const { apply(zeros({0})); }  // the operation rejects invalid options
  Tensor apply(const Tensor& x) const { return softshrink(x, lambda); }
};
/// x moved towards 0 by lambda; see gradus::softshrink.
using Softshrink = FunctionLayer<SoftshrinkOptions>;

/// Options of Threshold.
struct ThresholdOptions {
  static constexpr const char* type = "Threshold";
  double threshold = 0;  ///< what is above stays; model files have to give it
  double value = 0;      ///< what the rest becomes; model files have to give it
  void describe(OptionVisitor& visit) {
    visit.required("threshold", threshold);
    visit.required("value", value);
  }
  Tensor apply(const Tensor& x) const { return gradus::threshold(x, threshold, value); }
};
/// x where x > threshold, else value; see gradus::threshold.
using Threshold = FunctionLayer<ThresholdOptions>;

/// Options of GLU.
struct GLUOptions {
  static constexpr const char* type = "GLU";
  int64_t dim = -1;  ///< whose size is halved; it must be even
  void describe(OptionVisitor& visit) { visit("dim", dim); }
  Tensor apply(const Tensor& x) const { return glu(x, dim); }
};
/// a sigmoid(b) for the two halves a, b of x along `dim`; see gradus::glu.
using GLU = FunctionLayer<GLUOptions>;

/// Options of PReLU.
struct PReLUOptions {
  static constexpr const char* type = "PReLU";
  int64_t num_parameters = 1;  ///< 1, or one for each channel of [N, C, ...]
  double init = 0.25;          ///< of the weight, for all channels
  void describe(OptionVisitor& visit) {
    visit("num_parameters", num_parameters);
    visit("init", init);
  }
};

/// x where x > 0, else weight x, with a trained weight [num_parameters] that starts at `init` (He
/// et al., arXiv 1502.01852). Throws ValueError for num_parameters below 1.
class PReLU : public Layer<PReLUOptions> {
 public:
  explicit PReLU(const PReLUOptions& options = {});
  Tensor forward(const Tensor& x) override { return prelu(x, weight); }

  Tensor& weight;  ///< [num_parameters]
};

}  // namespace gradus::nn
