// Convolution layers.
#pragma once

#include "module.h"

namespace gradus::nn {

struct Conv2dOptions {
  static constexpr const char* type = "Conv2d";
  int64_t in_channels = 0;
  int64_t out_channels = 0;
  Size2 kernel_size = 0;
  Size2 stride = 1;
  Padding2 padding = 0;
  Size2 dilation = 1;
  int64_t groups = 1;
  bool bias = true;
  PadMode padding_mode = PadMode::constant;  ///< constant is called "zeros" in model files

  void describe(OptionVisitor& visit);
};

/// A convolution (cross-correlation) of x [N, in_channels, H, W] to [N, out_channels, H', W'], see
/// gradus::conv2d. weight [out_channels, in_channels / groups, kh, kw] and bias [out_channels]
/// start uniform in +-1/sqrt(in_channels / groups kh kw). Throws ValueError for sizes that are not
/// positive, channels that groups do not divide, and padding "same" with a stride.
class Conv2d : public Layer<Conv2dOptions> {
 public:
  explicit Conv2d(const Conv2dOptions& options);
  Tensor forward(const Tensor& x) override;
  /// The same with other parameters of these shapes.
  Tensor forward_with(const Tensor& x, const Tensor& other_weight, const Tensor& other_bias) const;

  Tensor& weight;
  Tensor& bias;

 private:
  gradus::Conv2dOptions geometry_;    // of the convolution itself
  std::array<int64_t, 4> pads_ = {};  // before it: left, right, top, bottom
};

}  // namespace gradus::nn
