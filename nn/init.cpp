#include "init.h"

#include <cmath>

#include "../core/base/error.h"
#include "../core/ops.h"
#include "../core/tape.h"

namespace gradus::nn {

namespace {

Tensor write(Tensor tensor, const Tensor& values) {
  const NoGrad pause;
  tensor.copy_(values);
  return tensor;
}

}  // namespace

Fans fans(const Tensor& weight) {
  require<ShapeError>(weight.dim() >= 2, "init", "use uniform_, normal_ or constant_ for vectors",
                      "fan-in and fan-out need at least two dimensions [out, in, ...], got ",
                      weight.shape());
  const int64_t window = weight.shape().part(2, weight.dim()).numel();
  return {weight.shape()[1] * window, weight.shape()[0] * window};
}

double gain(Nonlinearity nonlinearity, double negative_slope) {
  const double of_leaky_relu = std::sqrt(2 / (1 + negative_slope * negative_slope));
  // linear, sigmoid, tanh, relu, leaky_relu, selu
  const double gains[] = {1, 1, 5.0 / 3, std::sqrt(2.0), of_leaky_relu, 0.75};
  return gains[static_cast<size_t>(nonlinearity)];
}

Tensor uniform_(Tensor tensor, double lo, double hi) {
  require(lo <= hi, "uniform_", "give the smaller one first", "no numbers between ", lo, " and ",
          hi);
  return write(tensor, rand(tensor.shape(), default_rng(Stream::init), lo, hi, tensor.dtype()));
}

Tensor normal_(Tensor tensor, double mean, double std) {
  require(std >= 0, "normal_", "0 sets all elements to the mean", "standard deviation ", std,
          " is negative");
  const Tensor standard = randn(tensor.shape(), default_rng(Stream::init), tensor.dtype());
  return write(tensor, add(mul(standard, std), mean));
}

Tensor constant_(Tensor tensor, double value) {
  const NoGrad pause;
  return tensor.fill_(value);
}

namespace {

double kaiming_std(const Tensor& tensor, const KaimingOptions& options) {
  const Fans f = fans(tensor);
  const int64_t fan = options.mode == FanMode::fan_in ? f.in : f.out;
  return gain(options.nonlinearity, options.a) / std::sqrt(static_cast<double>(fan));
}

double xavier_std(const Tensor& tensor, double gain) {
  const Fans f = fans(tensor);
  return gain * std::sqrt(2 / static_cast<double>(f.in + f.out));
}

// Of an empty tensor the fans are 0 too.

Tensor uniform_with_std(Tensor tensor, double std) {
  const double bound = std::sqrt(3.0) * std;
  return tensor.numel() > 0 ? uniform_(tensor, -bound, bound) : tensor;
}

Tensor normal_with_std(Tensor tensor, double std) {
  return tensor.numel() > 0 ? normal_(tensor, 0, std) : tensor;
}

}  // namespace

Tensor kaiming_uniform_(Tensor tensor, const KaimingOptions& options) {
  return uniform_with_std(tensor, kaiming_std(tensor, options));
}
Tensor kaiming_normal_(Tensor tensor, const KaimingOptions& options) {
  return normal_with_std(tensor, kaiming_std(tensor, options));
}
Tensor xavier_uniform_(Tensor tensor, double gain) {
  return uniform_with_std(tensor, xavier_std(tensor, gain));
}
Tensor xavier_normal_(Tensor tensor, double gain) {
  return normal_with_std(tensor, xavier_std(tensor, gain));
}

void reset_weight_and_bias(const Tensor& weight, const Tensor& bias) {
  kaiming_uniform_(weight, {.a = std::sqrt(5.0)});
  if (!bias.defined()) return;
  const double bound = 1 / std::sqrt(static_cast<double>(fans(weight).in));
  uniform_(bias, -bound, bound);
}

}  // namespace gradus::nn
