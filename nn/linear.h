// The fully connected layer.
#pragma once

#include "module.h"

namespace gradus::nn {

struct LinearOptions {
  static constexpr const char* type = "Linear";
  int64_t in_features = 0;
  int64_t out_features = 0;
  bool bias = true;

  void describe(OptionVisitor& visit);
};

/// y = x W^T + b for x [..., in_features]; weight [out_features, in_features], bias [out_features].
/// Both start uniform in +-1/sqrt(in_features).
class Linear : public Layer<LinearOptions> {
 public:
  explicit Linear(const LinearOptions& options);
  Linear(int64_t in_features, int64_t out_features, bool with_bias = true)
      : Linear(LinearOptions{in_features, out_features, with_bias}) {}
  Tensor forward(const Tensor& x) override;
  /// The same with other parameters of these shapes.
  Tensor forward_with(const Tensor& x, const Tensor& other_weight, const Tensor& other_bias) const;

  Tensor& weight;
  Tensor& bias;
};

}  // namespace gradus::nn
