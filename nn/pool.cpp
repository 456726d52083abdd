#include "pool.h"

#include "../core/base/error.h"

namespace gradus::nn {

namespace {

void check_window(const char* type, const Size2& kernel_size, const std::optional<Size2>& stride,
                  const Size2& padding) {
  check_at_least(type, "kernel_size", kernel_size, 1);
  check_at_least(type, "stride", stride.value_or(kernel_size), 1);
  check_at_least(type, "padding", padding, 0);
  if (2 * padding[0] > kernel_size[0] || 2 * padding[1] > kernel_size[1]) {
    throw ValueError(
        type,
        str("padding ", Shape(padding), " is more than half of kernel_size ", Shape(kernel_size)),
        "a window must not lie in the padding alone");
  }
}

}  // namespace

void MaxPool2dOptions::describe(OptionVisitor& visit) {
  visit.required("kernel_size", kernel_size);
  visit("stride", stride);
  visit("padding", padding);
  visit("dilation", dilation);
  visit("ceil_mode", ceil_mode);
}

void MaxPool2dOptions::check() const {
  check_window(type, kernel_size, stride, padding);
  check_at_least(type, "dilation", dilation, 1);
}

Tensor MaxPool2dOptions::apply(const Tensor& x) const {
  return max_pool2d(x, {.kernel_size = kernel_size,
                        .stride = stride,
                        .padding = padding,
                        .dilation = dilation,
                        .ceil_mode = ceil_mode});
}

void AvgPool2dOptions::describe(OptionVisitor& visit) {
  visit.required("kernel_size", kernel_size);
  visit("stride", stride);
  visit("padding", padding);
  visit("ceil_mode", ceil_mode);
  visit("count_include_pad", count_include_pad);
  visit("divisor_override", divisor_override);
}

void AvgPool2dOptions::check() const {
  check_window(type, kernel_size, stride, padding);
  if (divisor_override == 0) throw ValueError(type, "divisor_override must not be 0");
}

Tensor AvgPool2dOptions::apply(const Tensor& x) const {
  return avg_pool2d(x, {.kernel_size = kernel_size,
                        .stride = stride,
                        .padding = padding,
                        .ceil_mode = ceil_mode,
                        .count_include_pad = count_include_pad,
                        .divisor_override = divisor_override});
}

void AdaptiveAvgPool2dOptions::check() const {
  check_at_least(type, "output_size", output_size.height.value_or(0), 0);
  check_at_least(type, "output_size", output_size.width.value_or(0), 0);
}

Tensor AdaptiveAvgPool2dOptions::apply(const Tensor& x) const {
  // Fewer dimensions are refused by the operation itself.
  const auto size_of = [&](const std::optional<int64_t>& wanted, int from_end) {
    return wanted.value_or(x.dim() >= from_end ? x.size(-from_end) : 1);
  };
  return adaptive_avg_pool2d(x, {size_of(output_size.height, 2), size_of(output_size.width, 1)});
}

}  // namespace gradus::nn
