#include "conv.h"

#include "init.h"

namespace gradus::nn {

ConvLayer::ConvLayer(const Shape& weight_shape, int64_t out_channels, bool with_bias)
    : weight(parameter("weight", Tensor::empty(weight_shape))),
      bias(parameter("bias", with_bias ? Tensor::empty({out_channels}) : Tensor())) {
  reset_weight_and_bias(weight, bias);
}

}  // namespace gradus::nn
