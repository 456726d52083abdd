// Normalization: fused kernels, and the same in primitives.
#include "../kernels/norm.h"

#include "common.h"

namespace gradus {

using namespace ops;

namespace {

constexpr const char* name = "batch_norm";

/// [N, C, ...] with one set per channel, over the batch and all positions.
kernels::NormSets channel_sets(const Shape& x) {
  int64_t positions = 1;
  for (int d = 2; d < x.dim(); ++d) positions *= x[d];
  return {.sets = x[1],
          .set_stride = positions,
          .blocks = x[0],
          .block_stride = x[1] * positions,
          .run = positions,
          .parameters = x[1],
          .parameters_per_set = 1,
          .parameter_step = 0};
}

void check_input(const Tensor& x) {
  check_floating(name, x);
  if (x.dim() < 2) throw ShapeError(name, str("expected [N,C,...], got ", x.shape()));
}

void check_channels(const char* role, const Tensor& t, const Tensor& x) {
  if (!t.defined()) return;
  check_same_dtype(name, x, t);
  if (t.shape() == Shape{x.shape()[1]}) return;
  throw ShapeError(name, str("expected ", role, " [", x.shape()[1], "], one per channel, got ",
                             t.shape(), ": input ", x.shape()));
}

/// A tensor [C] as [1, C, 1, ...], to broadcast over x.
Tensor per_channel(const Tensor& t, const Tensor& x) {
  Shape shape = Shape::filled(x.dim(), 1);
  shape[1] = t.numel();
  return reshape(t, shape);
}

Dims all_but_channels(const Tensor& x) {
  Dims dims = {0};
  for (int d = 2; d < x.dim(); ++d) dims.push_back(d);
  return dims;
}

/// The gradients of batch norm in primitives, which the tape can differentiate again. This is also
/// the version to read: r = 1/sqrt(v + eps), x^ = (x - mean) r, u = weight g,
/// dx = r (u - mean(u) - x^ mean(u x^)), dweight = sum(g x^), dbias = sum(g).
TensorList composed_gradients(const Tensor& g, const Tensor& x, const Tensor& weight, double eps,
                              const Wanted& wanted) {
  const Dims dims = all_but_channels(x);
  const Tensor centred = sub(x, mean(x, dims, true));
  const Tensor r = rsqrt(add(mean(square(centred), dims, true), eps));
  const Tensor x_hat = mul(centred, r);
  const Tensor u = weight.defined() ? mul(g, per_channel(weight, x)) : g;
  const Tensor inner =
      sub(sub(u, mean(u, dims, true)), mul(x_hat, mean(mul(u, x_hat), dims, true)));
  return {wanted[0] ? mul(inner, r) : Tensor(), wanted[1] ? sum(mul(g, x_hat), dims) : Tensor(),
          wanted[2] ? sum(g, dims) : Tensor()};
}

/// The same from the fused kernels.
template <class T>
TensorList fused_gradients(const Tensor& gradient, const Tensor& x, const Tensor& weight,
                           const Tensor& mean, const Tensor& scale, const Wanted& wanted) {
  const auto sets = channel_sets(x.shape());
  const auto& kernel = kernels::table<kernels::Norm<T>>();
  const Tensor g = contiguous(gradient);
  Tensor sum_g = Tensor::empty({sets.sets, sets.blocks}, float64);
  Tensor sum_gx = Tensor::empty({sets.sets, sets.blocks}, float64);
  kernel.gradient_sums(sets, g.data<T>(), x.data<T>(), mean.data<double>(), scale.data<double>(),
                       sum_g.mutable_data<double>(), sum_gx.mutable_data<double>());
  Tensor dx;
  if (wanted[0]) {
    dx = Tensor::empty(x.shape(), x.dtype());
    kernel.backward(sets, dx.mutable_data<T>(), g.data<T>(), x.data<T>(), mean.data<double>(),
                    scale.data<double>(), weight.defined() ? weight.data<T>() : nullptr,
                    sum_g.data<double>(), sum_gx.data<double>());
  }
  return {dx, wanted[1] ? to(sum(sum_gx, {1}), x.dtype()) : Tensor(),
          wanted[2] ? to(sum(sum_g, {1}), x.dtype()) : Tensor()};
}

}  // namespace

BatchNormResult batch_norm_train(const Tensor& input, const Tensor& weights, const Tensor& biases,
                                 double eps) {
  check_input(input);
  check_channels("weight", weights, input);
  check_channels("bias", biases, input);
  const Tensor x = contiguous(input);
  const Tensor weight = weights.defined() ? contiguous(weights) : Tensor();
  const Tensor bias = biases.defined() ? contiguous(biases) : Tensor();
  const auto sets = channel_sets(x.shape());
  Tensor mean = Tensor::empty({sets.sets}, float64), variance = Tensor::empty({sets.sets}, float64);
  Tensor y = Tensor::empty(x.shape(), x.dtype());
  Tensor scale;
  dispatch_floating(name, x.dtype(), [&]<class T>() {
    const auto& kernel = kernels::table<kernels::Norm<T>>();
    kernel.statistics(sets, x.data<T>(), mean.mutable_data<double>(),
                      variance.mutable_data<double>());
    scale = rsqrt(add(variance, eps));
    kernel.forward(sets, y.mutable_data<T>(), x.data<T>(), mean.data<double>(),
                   scale.data<double>(), weight.defined() ? weight.data<T>() : nullptr,
                   bias.defined() ? bias.data<T>() : nullptr);
  });
  const Tensor result = record(
      Op("batch_norm", 5.0 * static_cast<double>(x.numel())), inputs(x, weight, bias), y,
      saved(x, weight, mean, scale), eps,
      [](const TensorList& s, double epsilon, const Tensor& g, const Wanted& wanted) -> TensorList {
        // While a tape records, the gradient must be differentiable itself.
        if (Tape::current() != nullptr) return composed_gradients(g, s[0], s[1], epsilon, wanted);
        return dispatch_floating(name, g.dtype(), [&]<class T>() {
          return fused_gradients<T>(g, s[0], s[1], s[2], s[3], wanted);
        });
      });
  return {result, to(mean, x.dtype()), to(variance, x.dtype())};
}

Tensor batch_norm_eval(const Tensor& x, const Tensor& running_mean, const Tensor& running_var,
                       const Tensor& weight, const Tensor& bias, double eps) {
  check_input(x);
  check_channels("running_mean", running_mean, x);
  check_channels("running_var", running_var, x);
  check_channels("weight", weight, x);
  check_channels("bias", bias, x);
  // Two passes over x: (x - mean) r, then the affine part. No centring terms in the gradient.
  const Tensor r = rsqrt(add(running_var, eps));
  const Tensor x_hat = mul(sub(x, per_channel(running_mean, x)), per_channel(r, x));
  const Tensor scaled = weight.defined() ? mul(x_hat, per_channel(weight, x)) : x_hat;
  return bias.defined() ? add(scaled, per_channel(bias, x)) : scaled;
}

}  // namespace gradus
