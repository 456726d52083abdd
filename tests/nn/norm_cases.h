// The norm layers as rows, for tests that hold for all of them.
#pragma once

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <vector>

#include "../../core/grad.h"
#include "../../core/ops.h"
#include "../../core/tape.h"
#include "../../nn/norm.h"

namespace gradus::test {

struct NormCase {
  std::string name;
  Shape x;     ///< of the input
  Shape view;  ///< the input with every role a dimension of its own,
  Dims dims;   ///< those of the view that a set runs over,
  /// and how many groups of neighbouring channels have sets of their own: weights before the norm
  /// are scale-invariant for each of them.
  int64_t channel_groups;
  std::unique_ptr<nn::NormLayer> (*make)(const Shape& x, double eps, bool affine);
  bool centred = true;  ///< subtracts the mean
  bool couples_samples = false;
};

template <class T>
std::unique_ptr<nn::NormLayer> double_layer(const typename T::Options& options) {
  auto layer = std::make_unique<T>(options);
  layer->to(float64);
  return layer;
}

template <class T>
std::unique_ptr<nn::NormLayer> channel_norm(const Shape& x, double eps, bool affine) {
  return double_layer<T>({.num_features = x[1], .eps = eps, .affine = affine});
}

template <int64_t groups>
std::unique_ptr<nn::NormLayer> group_norm(const Shape& x, double eps, bool affine) {
  return double_layer<nn::GroupNorm>({groups, x[1], eps, affine});
}

/// Layer or RMS norm over all but the first dimension.
template <class T>
std::unique_ptr<nn::NormLayer> element_norm(const Shape& x, double eps, bool affine) {
  Shape size;
  for (int d = 1; d < x.dim(); ++d) size.push_back(x[d]);
  return double_layer<T>({.normalized_shape = size, .eps = eps, .elementwise_affine = affine});
}

/// Every norm, once on small images and once with two values to a set, the fewest that there can
/// be.
inline std::vector<NormCase> norm_cases() {
  using namespace nn;
  const Shape image = {3, 4, 2, 3};
  return {
      {.name = "BatchNorm2d",
       .x = image,
       .view = {3, 4, 6},
       .dims = {0, 2},
       .channel_groups = 4,
       .make = channel_norm<BatchNorm2d>,
       .couples_samples = true},
      {.name = "BatchNorm1d of two values",
       .x = {2, 4},
       .view = {2, 4, 1},
       .dims = {0, 2},
       .channel_groups = 4,
       .make = channel_norm<BatchNorm1d>,
       .couples_samples = true},
      {.name = "InstanceNorm2d",
       .x = image,
       .view = {3, 4, 1, 6},
       .dims = {2, 3},
       .channel_groups = 4,
       .make = channel_norm<InstanceNorm2d>},
      {.name = "InstanceNorm2d of two values",
       .x = {2, 4, 2, 1},
       .view = {2, 4, 1, 2},
       .dims = {2, 3},
       .channel_groups = 4,
       .make = channel_norm<InstanceNorm2d>},
      {.name = "GroupNorm",
       .x = image,
       .view = {3, 2, 2, 6},
       .dims = {2, 3},
       .channel_groups = 2,
       .make = group_norm<2>},
      {.name = "GroupNorm of two values",
       .x = {3, 4},
       .view = {3, 2, 2, 1},
       .dims = {2, 3},
       .channel_groups = 2,
       .make = group_norm<2>},
      {.name = "LayerNorm",
       .x = image,
       .view = {3, 24},
       .dims = {1},
       .channel_groups = 1,
       .make = element_norm<LayerNorm>},
      {.name = "LayerNorm of two values",
       .x = {3, 2},
       .view = {3, 2},
       .dims = {1},
       .channel_groups = 1,
       .make = element_norm<LayerNorm>},
      {.name = "RMSNorm",
       .x = image,
       .view = {3, 24},
       .dims = {1},
       .channel_groups = 1,
       .make = element_norm<RMSNorm>,
       .centred = false},
      {.name = "RMSNorm of two values",
       .x = {3, 2},
       .view = {3, 2},
       .dims = {1},
       .channel_groups = 1,
       .make = element_norm<RMSNorm>,
       .centred = false},
  };
}

/// Calls `check(case, form)` for every norm in both forms.
template <class Check>
void for_each_norm(const Check& check) {
  for (const NormCase& c : norm_cases()) {
    for (NormForm form : {NormForm::fused, NormForm::composed}) {
      INFO(c.name, form == NormForm::fused ? ", fused" : ", composed");
      check(c, form);
    }
  }
}

/// A norm with random weight and bias.
inline std::unique_ptr<nn::NormLayer> make_norm(const NormCase& c, NormForm form, double eps,
                                                bool affine = true) {
  auto layer = c.make(c.x, eps, affine);
  layer->set_form(form);
  Rng g(11);
  const NoGrad pause;
  if (layer->weight.defined()) layer->weight.copy_(randn(layer->weight.shape(), g, float64));
  if (layer->bias.defined()) layer->bias.copy_(randn(layer->bias.shape(), g, float64));
  return layer;
}

/// Output and gradients of one call of a layer.
struct NormRun {
  Tensor y, dx;
  std::vector<Tensor> daffine;  ///< of weight and bias, where they are
};

inline NormRun run(nn::NormLayer& layer, const Tensor& x, const Tensor& gradient) {
  const Tensor input = x.detach().clone().requires_grad_();
  std::vector<Tensor> wanted = {input};
  for (const Tensor& t : {layer.weight, layer.bias}) {
    if (t.defined()) wanted.push_back(t);
  }
  const Tape tape;
  const Tensor y = layer(input);
  const std::vector<Tensor> gradients = grad(y, wanted, {.gradient = gradient});
  return {y.detach(), gradients[0], {gradients.begin() + 1, gradients.end()}};
}

/// The sets of an input, worked out in primitives of their own, in the case's view.
struct Sets {
  double count;  ///< elements of a set, M
  Tensor variance, r, x_hat;
};

inline Tensor set_sum(const NormCase& c, const Tensor& t) {
  return sum(reshape(t, c.view), c.dims, true);
}

inline Sets sets_of(const NormCase& c, const Tensor& x, double eps) {
  const Tensor v = reshape(x, c.view);
  const Tensor centred = c.centred ? v - mean(v, c.dims, true) : v;
  const Tensor variance = mean(square(centred), c.dims, true);
  const Tensor r = rsqrt(variance + eps);
  const int64_t values_per_set = v.numel() / variance.numel();
  const auto count = static_cast<double>(values_per_set);
  return {count, variance, r, centred * r};
}

/// The gradient behind the affine part, u = weight g, in the case's view.
inline Tensor weighted(const NormCase& c, const nn::NormLayer& layer, const Tensor& gradient) {
  if (!layer.weight.defined()) return reshape(gradient, c.view);
  Shape shape = layer.weight.shape();  // of one factor per element of a sample, or per channel
  const bool per_channel = shape.dim() == 1 && c.x[1] == shape[0];
  while (per_channel && shape.dim() < c.x.dim() - 1) shape.push_back(1);
  return reshape(gradient * reshape(layer.weight.detach(), shape), c.view);
}

inline Tensor random(const Shape& shape, uint64_t seed) {
  Rng g(seed);
  return randn(shape, g, float64);
}

/// Largest difference relative to the largest expected element (or to 1 where all are smaller).
inline double distance(const Tensor& found, const Tensor& expected) {
  REQUIRE(found.shape() == expected.shape());
  return amax(abs(found - expected)).item() / std::max(1.0, amax(abs(expected)).item());
}

}  // namespace gradus::test
