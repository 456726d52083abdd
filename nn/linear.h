// The fully connected layer.
#pragma once

#include "init.h"
#include "module.h"

namespace gradus::nn {

/// Options of Linear.
struct LinearOptions {
  static constexpr const char* type = "Linear";
  int64_t in_features = 0;   ///< last size of the input; at least 1
  int64_t out_features = 0;  ///< last size of the output; at least 1
  bool bias = true;          ///< add a trained number to each output

  void describe(OptionVisitor& visit) {
    visit.required("in_features", in_features);
    visit.required("out_features", out_features);
    visit("bias", bias);
  }
  void check() const {
    check_at_least(type, "in_features", in_features, 1);
    check_at_least(type, "out_features", out_features, 1);
  }
};

/// y = x W^T + b for x [..., in_features]; weight [out_features, in_features], bias [out_features].
/// Both start uniform in +-1/sqrt(in_features). Throws ValueError for sizes below 1, ShapeError for
/// an input of another last size.
class Linear : public Layer<LinearOptions> {
 public:
  explicit Linear(const LinearOptions& o)
      : Layer(o),
        weight(parameter("weight", Tensor::empty({o.out_features, o.in_features}))),
        bias(parameter("bias", o.bias ? Tensor::empty({o.out_features}) : Tensor())) {
    reset_weight_and_bias(weight, bias);
  }
  Linear(int64_t in_features, int64_t out_features, bool with_bias = true)
      : Linear(LinearOptions{in_features, out_features, with_bias}) {}
  Tensor forward(const Tensor& x) override { return forward_with(x, weight, bias); }
  /// The same with other parameters of these shapes.
  Tensor forward_with(const Tensor& x, const Tensor& other_weight, const Tensor& other_bias) const {
    return linear(x, other_weight, other_bias);
  }

  Tensor& weight;  ///< [out_features, in_features]
  Tensor& bias;    ///< [out_features]; undefined without one
};

}  // namespace gradus::nn
