#include "conv.h"

#include <algorithm>

#include "../core/base/error.h"
#include "init.h"

namespace gradus::nn {

void Conv2dOptions::describe(OptionVisitor& visit) {
  visit.required("in_channels", in_channels);
  visit.required("out_channels", out_channels);
  visit.required("kernel_size", kernel_size);
  visit("stride", stride);
  visit("padding", padding);
  visit("dilation", dilation);
  visit("groups", groups);
  visit("bias", bias);
  visit.choice("padding_mode", padding_mode, {"zeros", "reflect", "replicate", "circular"});
}

namespace {

void check_divisible(const char* option, int64_t channels, int64_t groups) {
  if (channels % groups == 0) return;
  throw ValueError(Conv2dOptions::type,
                   str(option, " ", channels, " is not divisible by groups ", groups));
}

const Conv2dOptions& checked(const Conv2dOptions& o) {
  check_at_least(o.type, "in_channels", o.in_channels, 1);
  check_at_least(o.type, "out_channels", o.out_channels, 1);
  check_at_least(o.type, "kernel_size", o.kernel_size, 1);
  check_at_least(o.type, "stride", o.stride, 1);
  check_at_least(o.type, "padding", o.padding.sizes(), 0);
  check_at_least(o.type, "dilation", o.dilation, 1);
  check_at_least(o.type, "groups", o.groups, 1);
  check_divisible("in_channels", o.in_channels, o.groups);
  check_divisible("out_channels", o.out_channels, o.groups);
  if (o.padding.is_same() && o.stride != Size2(1)) {
    throw ValueError(o.type, str("padding \"same\" needs stride 1, got ", Shape(o.stride)),
                     "with a stride the output cannot keep the size of the input");
  }
  return o;
}

Shape weight_shape(const Conv2dOptions& o) {
  return {o.out_channels, o.in_channels / o.groups, o.kernel_size[0], o.kernel_size[1]};
}

}  // namespace

Conv2d::Conv2d(const Conv2dOptions& o)
    : Layer(checked(o)),
      weight(parameter("weight", Tensor::empty(weight_shape(o)))),
      bias(parameter("bias", o.bias ? Tensor::empty({o.out_channels}) : Tensor())),
      geometry_{.stride = o.stride, .dilation = o.dilation, .groups = o.groups} {
  for (size_t axis : {size_t{0}, size_t{1}}) {
    const int64_t reach = o.dilation[axis] * (o.kernel_size[axis] - 1);
    const int64_t before = o.padding.is_same() ? reach / 2 : o.padding.sizes()[axis];
    const int64_t after = o.padding.is_same() ? reach - before : before;
    // pads_ lists the last axis first. The convolution itself adds equal numbers of zeros to both
    // sides; what it cannot do is padded before it.
    int64_t* pads = &pads_[2 * (1 - axis)];
    if (o.padding_mode == PadMode::constant) {
      geometry_.padding[axis] = before;
      pads[1] = after - before;
    } else {
      pads[0] = before;
      pads[1] = after;
    }
  }
  reset_weight_and_bias(weight, bias);
}

Tensor Conv2d::forward(const Tensor& x) {
  return forward_with(x, weight, bias);
}

Tensor Conv2d::forward_with(const Tensor& x, const Tensor& other_weight,
                            const Tensor& other_bias) const {
  const bool padded = std::any_of(pads_.begin(), pads_.end(), [](int64_t n) { return n != 0; });
  return conv2d(padded ? pad(x, pads_, options().padding_mode) : x, other_weight, other_bias,
                geometry_);
}

}  // namespace gradus::nn
