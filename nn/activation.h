// Activation functions as layers; the formulas are in core/ops.h.
#pragma once

#include "function_layer.h"

namespace gradus::nn {

struct ReLUOptions {
  static constexpr const char* type = "ReLU";
  void describe(OptionVisitor&) {}
  Tensor apply(const Tensor& x) const { return relu(x); }
};
using ReLU = FunctionLayer<ReLUOptions>;

struct LeakyReLUOptions {
  static constexpr const char* type = "LeakyReLU";
  double negative_slope = 0.01;
  void describe(OptionVisitor& visit) { visit("negative_slope", negative_slope); }
  Tensor apply(const Tensor& x) const { return leaky_relu(x, negative_slope); }
};
using LeakyReLU = FunctionLayer<LeakyReLUOptions>;

struct ELUOptions {
  static constexpr const char* type = "ELU";
  double alpha = 1;
  void describe(OptionVisitor& visit) { visit("alpha", alpha); }
  Tensor apply(const Tensor& x) const { return elu(x, alpha); }
};
using ELU = FunctionLayer<ELUOptions>;

struct GELUOptions {
  static constexpr const char* type = "GELU";
  Gelu approximate = Gelu::exact;  ///< exact is called "none" in model files
  void describe(OptionVisitor& visit) {
    visit.choice("approximate", approximate, {"none", "tanh"});
  }
  Tensor apply(const Tensor& x) const { return gelu(x, approximate); }
};
using GELU = FunctionLayer<GELUOptions>;

struct SiLUOptions {
  static constexpr const char* type = "SiLU";
  void describe(OptionVisitor&) {}
  Tensor apply(const Tensor& x) const { return silu(x); }
};
using SiLU = FunctionLayer<SiLUOptions>;

struct SigmoidOptions {
  static constexpr const char* type = "Sigmoid";
  void describe(OptionVisitor&) {}
  Tensor apply(const Tensor& x) const { return sigmoid(x); }
};
using Sigmoid = FunctionLayer<SigmoidOptions>;

struct TanhOptions {
  static constexpr const char* type = "Tanh";
  void describe(OptionVisitor&) {}
  Tensor apply(const Tensor& x) const { return tanh(x); }
};
using Tanh = FunctionLayer<TanhOptions>;

struct SoftplusOptions {
  static constexpr const char* type = "Softplus";
  double beta = 1;
  double threshold = 20;
  void describe(OptionVisitor& visit) {
    visit("beta", beta);
    visit("threshold", threshold);
  }
  Tensor apply(const Tensor& x) const { return softplus(x, beta, threshold); }
};
using Softplus = FunctionLayer<SoftplusOptions>;

struct SoftmaxOptions {
  static constexpr const char* type = "Softmax";
  int64_t dim = -1;
  void describe(OptionVisitor& visit) { visit("dim", dim); }
  Tensor apply(const Tensor& x) const { return softmax(x, dim); }
};
using Softmax = FunctionLayer<SoftmaxOptions>;

struct LogSoftmaxOptions {
  static constexpr const char* type = "LogSoftmax";
  int64_t dim = -1;
  void describe(OptionVisitor& visit) { visit("dim", dim); }
  Tensor apply(const Tensor& x) const { return log_softmax(x, dim); }
};
using LogSoftmax = FunctionLayer<LogSoftmaxOptions>;

struct SoftminOptions {
  static constexpr const char* type = "Softmin";
  int64_t dim = -1;
  void describe(OptionVisitor& visit) { visit("dim", dim); }
  Tensor apply(const Tensor& x) const { return softmin(x, dim); }
};
using Softmin = FunctionLayer<SoftminOptions>;

struct SELUOptions {
  static constexpr const char* type = "SELU";
  void describe(OptionVisitor&) {}
  Tensor apply(const Tensor& x) const { return selu(x); }
};
using SELU = FunctionLayer<SELUOptions>;

struct CELUOptions {
  static constexpr const char* type = "CELU";
  double alpha = 1;
  void describe(OptionVisitor& visit) { visit("alpha", alpha); }
  void check() const { apply(zeros({0})); }  // the operation refuses what makes no sense
  Tensor apply(const Tensor& x) const { return celu(x, alpha); }
};
using CELU = FunctionLayer<CELUOptions>;

struct MishOptions {
  static constexpr const char* type = "Mish";
  void describe(OptionVisitor&) {}
  Tensor apply(const Tensor& x) const { return mish(x); }
};
using Mish = FunctionLayer<MishOptions>;

struct LogSigmoidOptions {
  static constexpr const char* type = "LogSigmoid";
  void describe(OptionVisitor&) {}
  Tensor apply(const Tensor& x) const { return log_sigmoid(x); }
};
using LogSigmoid = FunctionLayer<LogSigmoidOptions>;

struct SoftsignOptions {
  static constexpr const char* type = "Softsign";
  void describe(OptionVisitor&) {}
  Tensor apply(const Tensor& x) const { return softsign(x); }
};
using Softsign = FunctionLayer<SoftsignOptions>;

struct TanhshrinkOptions {
  static constexpr const char* type = "Tanhshrink";
  void describe(OptionVisitor&) {}
  Tensor apply(const Tensor& x) const { return tanhshrink(x); }
};
using Tanhshrink = FunctionLayer<TanhshrinkOptions>;

struct HardtanhOptions {
  static constexpr const char* type = "Hardtanh";
  double min_val = -1;
  double max_val = 1;
  void describe(OptionVisitor& visit) {
    visit("min_val", min_val);
    visit("max_val", max_val);
  }
  void check() const { apply(zeros({0})); }  // the operation refuses what makes no sense
  Tensor apply(const Tensor& x) const { return hardtanh(x, min_val, max_val); }
};
using Hardtanh = FunctionLayer<HardtanhOptions>;

struct ReLU6Options {
  static constexpr const char* type = "ReLU6";
  void describe(OptionVisitor&) {}
  Tensor apply(const Tensor& x) const { return relu6(x); }
};
using ReLU6 = FunctionLayer<ReLU6Options>;

struct HardsigmoidOptions {
  static constexpr const char* type = "Hardsigmoid";
  void describe(OptionVisitor&) {}
  Tensor apply(const Tensor& x) const { return hardsigmoid(x); }
};
using Hardsigmoid = FunctionLayer<HardsigmoidOptions>;

struct HardswishOptions {
  static constexpr const char* type = "Hardswish";
  void describe(OptionVisitor&) {}
  Tensor apply(const Tensor& x) const { return hardswish(x); }
};
using Hardswish = FunctionLayer<HardswishOptions>;

struct HardshrinkOptions {
  static constexpr const char* type = "Hardshrink";
  double lambda = 0.5;  ///< called "lambd" in model files, as in PyTorch
  void describe(OptionVisitor& visit) { visit("lambd", lambda); }
  Tensor apply(const Tensor& x) const { return hardshrink(x, lambda); }
};
using Hardshrink = FunctionLayer<HardshrinkOptions>;

struct SoftshrinkOptions {
  static constexpr const char* type = "Softshrink";
  double lambda = 0.5;  ///< called "lambd" in model files, as in PyTorch
  void describe(OptionVisitor& visit) { visit("lambd", lambda); }
  void check() const { apply(zeros({0})); }  // the operation refuses what makes no sense
  Tensor apply(const Tensor& x) const { return softshrink(x, lambda); }
};
using Softshrink = FunctionLayer<SoftshrinkOptions>;

struct ThresholdOptions {
  static constexpr const char* type = "Threshold";
  double threshold = 0;
  double value = 0;
  void describe(OptionVisitor& visit) {
    visit.required("threshold", threshold);
    visit.required("value", value);
  }
  Tensor apply(const Tensor& x) const { return gradus::threshold(x, threshold, value); }
};
using Threshold = FunctionLayer<ThresholdOptions>;

struct GLUOptions {
  static constexpr const char* type = "GLU";
  int64_t dim = -1;
  void describe(OptionVisitor& visit) { visit("dim", dim); }
  Tensor apply(const Tensor& x) const { return glu(x, dim); }
};
using GLU = FunctionLayer<GLUOptions>;

struct PReLUOptions {
  static constexpr const char* type = "PReLU";
  int64_t num_parameters = 1;  ///< 1, or one for each channel of [N, C, ...]
  double init = 0.25;
  void describe(OptionVisitor& visit) {
    visit("num_parameters", num_parameters);
    visit("init", init);
  }
};

/// x where x > 0, else weight x, with a trained weight [num_parameters] that starts at `init`.
class PReLU : public Layer<PReLUOptions> {
 public:
  explicit PReLU(const PReLUOptions& options = {});
  Tensor forward(const Tensor& x) override { return prelu(x, weight); }

  Tensor& weight;
};

}  // namespace gradus::nn
