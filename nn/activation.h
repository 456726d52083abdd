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

}  // namespace gradus::nn
