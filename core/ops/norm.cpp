// Normalization: fused kernels, and the same in primitives.
#include "../kernels/norm.h"

#include <algorithm>

#include "common.h"

namespace gradus {

using namespace ops;

namespace {

/// How an input falls into the sets that are normalized.
struct Layout {
  kernels::NormSets sets;  // for the kernels
  Shape view;              // for primitives: x with every role a dimension of its own,
  Dims dims;               // those of the view that a set runs over,
  Shape affine;            // and weight and bias, to broadcast over the view
};

int64_t positions_of(const Shape& x) {
  int64_t n = 1;
  for (int d = 2; d < x.dim(); ++d) n *= x[d];
  return n;
}

Layout batch_layout(const Shape& x) {
  const int64_t n = x[0], c = x[1], positions = positions_of(x);
  return {.sets = {.sets = c,
                   .set_stride = positions,
                   .blocks = n,
                   .block_stride = c * positions,
                   .run = positions,
                   .parameters = c,
                   .parameters_per_set = 1,
                   .parameter_step = 0,
                   .per_element = false},
          .view = {n, c, positions},
          .dims = {0, 2},
          .affine = {1, c, 1}};
}

/// Instance norm is group norm with a group for every channel.
Layout group_layout(const Shape& x, int64_t groups) {
  const int64_t n = x[0], c = x[1], per_group = c / groups, positions = positions_of(x);
  return {.sets = {.sets = n * groups,
                   .set_stride = per_group * positions,
                   .blocks = per_group,
                   .block_stride = positions,
                   .run = positions,
                   .parameters = c,
                   .parameters_per_set = per_group,
                   .parameter_step = 1,
                   .per_element = false},
          .view = {n, groups, per_group, positions},
          .dims = {2, 3},
          .affine = {1, groups, per_group, 1}};
}

Layout layer_layout(const Shape& x, const Shape& normalized) {
  const int64_t size = normalized.numel(), rows = size > 0 ? x.numel() / size : 0;
  return {.sets = {.sets = rows,
                   .set_stride = size,
                   .blocks = 1,
                   .block_stride = size,
                   .run = size,
                   .parameters = size,
                   .parameters_per_set = 0,
                   .parameter_step = 0,
                   .per_element = true},
          .view = {rows, size},
          .dims = {1},
          .affine = {1, size}};
}

// --- The composed form: primitives that the tape can differentiate, and that can be read ---

struct Centred {
  Tensor x_hat;  // (x - mean) r
  Tensor r;      // 1 / sqrt(variance + eps)
};

Centred normalize(const Tensor& x, const Layout& layout, double eps) {
  const Tensor centred = sub(x, mean(x, layout.dims, true));
  const Tensor r = rsqrt(add(mean(square(centred), layout.dims, true), eps));
  return {mul(centred, r), r};
}

Tensor composed_forward(const Tensor& x, const Tensor& weight, const Tensor& bias,
                        const Layout& layout, double eps) {
  Tensor y = normalize(reshape(x, layout.view), layout, eps).x_hat;
  if (weight.defined()) y = mul(y, reshape(weight, layout.affine));
  if (bias.defined()) y = add(y, reshape(bias, layout.affine));
  return reshape(y, x.shape());
}

/// A gradient of the view's shape, summed to that of weight and bias.
Tensor to_affine(const Tensor& g, const Layout& layout, const Shape& shape) {
  Dims repeated;
  for (int d = 0; d < layout.view.dim(); ++d) {
    if (layout.affine[d] == 1 && layout.view[d] != 1) repeated.push_back(d);
  }
  return reshape(repeated.empty() ? g : sum(g, repeated), shape);
}

/// u = weight g, dx = r (u - mean(u) - x^ mean(u x^)), dweight = sum(g x^), dbias = sum(g).
TensorList composed_gradients(const Tensor& gradient, const Tensor& x, const Tensor& weight,
                              const Layout& layout, const Shape& affine_shape, double eps,
                              const Wanted& wanted) {
  const Tensor g = reshape(gradient, layout.view);
  const auto [x_hat, r] = normalize(reshape(x, layout.view), layout, eps);
  TensorList gradients(3);
  if (wanted[0]) {
    const Tensor u = weight.defined() ? mul(g, reshape(weight, layout.affine)) : g;
    const Tensor lean = mul(x_hat, mean(mul(u, x_hat), layout.dims, true));
    const Tensor inner = sub(sub(u, mean(u, layout.dims, true)), lean);
    gradients[0] = reshape(mul(inner, r), x.shape());
  }
  if (wanted[1]) gradients[1] = to_affine(mul(g, x_hat), layout, affine_shape);
  if (wanted[2]) gradients[2] = to_affine(g, layout, affine_shape);
  return gradients;
}

// --- The fused form ---

template <class T>
const T* data_or_null(const Tensor& t) {
  return t.defined() ? t.data<T>() : nullptr;
}

/// Sums per block [sets, blocks], to one number for each parameter.
Tensor block_sums_to_affine(const Tensor& sums, const Layout& layout, const Shape& shape,
                            DType dtype) {
  const kernels::NormSets& s = layout.sets;
  const Tensor per_parameter =
      s.parameter_step == 0 ? sum(sums, {1}) : sum(reshape(sums, {-1, s.parameters}), {0});
  return reshape(to(per_parameter, dtype), shape);
}

template <class T>
TensorList fused_gradients(const Tensor& gradient, const Tensor& x, const Tensor& weight,
                           const Tensor& mean, const Tensor& scale, const Layout& layout,
                           const Shape& affine_shape, const Wanted& wanted) {
  const kernels::NormSets& sets = layout.sets;
  const auto& kernel = kernels::table<kernels::Norm<T>>();
  const Tensor g = contiguous(gradient);
  const Shape sums = sets.per_element ? Shape{sets.run} : Shape{sets.sets, sets.blocks};
  Tensor sum_g = Tensor::empty(sums, float64), sum_gx = Tensor::empty(sums, float64);
  TensorList gradients(3);
  if (wanted[0]) gradients[0] = Tensor::empty(x.shape(), x.dtype());
  if (wanted[0] || !sets.per_element) {
    kernel.backward(sets, wanted[0] ? gradients[0].mutable_data<T>() : nullptr, g.data<T>(),
                    x.data<T>(), mean.data<double>(), scale.data<double>(), data_or_null<T>(weight),
                    sum_g.mutable_data<double>(), sum_gx.mutable_data<double>());
  }
  if (!wanted[1] && !wanted[2]) return gradients;
  if (sets.per_element) {
    kernel.element_sums(sets, g.data<T>(), x.data<T>(), mean.data<double>(), scale.data<double>(),
                        sum_g.mutable_data<double>(), sum_gx.mutable_data<double>());
  }
  const auto finish = [&](const Tensor& s) {
    return sets.per_element ? reshape(to(s, x.dtype()), affine_shape)
                            : block_sums_to_affine(s, layout, affine_shape, x.dtype());
  };
  if (wanted[1]) gradients[1] = finish(sum_gx);
  if (wanted[2]) gradients[2] = finish(sum_g);
  return gradients;
}

enum class Kind { batch, instance, layer, group };

struct Attributes {
  Layout layout;
  Shape affine_shape;
  double eps;
};

NormResult fused_norm(Kind kind, const Tensor& input, const Tensor& weights, const Tensor& biases,
                      const Attributes& attributes) {
  const Tensor x = contiguous(input);
  const Tensor weight = weights.defined() ? contiguous(weights) : Tensor();
  const Tensor bias = biases.defined() ? contiguous(biases) : Tensor();
  const kernels::NormSets& sets = attributes.layout.sets;
  Tensor mean = Tensor::empty({sets.sets}, float64), variance = Tensor::empty({sets.sets}, float64);
  Tensor y = Tensor::empty(x.shape(), x.dtype());
  Tensor scale;
  dispatch_floating("norm", x.dtype(), [&]<class T>() {
    const auto& kernel = kernels::table<kernels::Norm<T>>();
    kernel.statistics(sets, x.data<T>(), mean.mutable_data<double>(),
                      variance.mutable_data<double>());
    scale = rsqrt(add(variance, attributes.eps));
    kernel.forward(sets, y.mutable_data<T>(), x.data<T>(), mean.data<double>(),
                   scale.data<double>(), data_or_null<T>(weight), data_or_null<T>(bias));
  });
  const Tensor result = record(
      Op(kind == Kind::batch      ? "batch_norm"
         : kind == Kind::instance ? "instance_norm"
         : kind == Kind::layer    ? "layer_norm"
                                  : "group_norm",
         5.0 * static_cast<double>(x.numel())),
      inputs(x, weight, bias), y, saved(x, weight, mean, scale), attributes,
      [](const TensorList& s, const Attributes& a, const Tensor& g,
         const Wanted& wanted) -> TensorList {
        // While a tape records, the gradient must be differentiable itself.
        if (Tape::current() != nullptr) {
          return composed_gradients(g, s[0], s[1], a.layout, a.affine_shape, a.eps, wanted);
        }
        return dispatch_floating("norm", g.dtype(), [&]<class T>() {
          return fused_gradients<T>(g, s[0], s[1], s[2], s[3], a.layout, a.affine_shape, wanted);
        });
      });
  return {result, to(mean, x.dtype()), to(variance, x.dtype())};
}

NormResult composed_norm(const Tensor& x, const Tensor& weight, const Tensor& bias,
                         const Attributes& a) {
  Tensor mean_, variance;
  {
    const NoGrad pause;
    const Tensor view = reshape(x.detach(), a.layout.view);
    mean_ = reshape(mean(view, a.layout.dims), {a.layout.sets.sets});
    variance = reshape(var(view, a.layout.dims, 0), {a.layout.sets.sets});
  }
  return {composed_forward(x, weight, bias, a.layout, a.eps), mean_, variance};
}

NormResult compute_norm(Kind kind, const Tensor& x, const Tensor& weight, const Tensor& bias,
                        const Attributes& a, NormForm form) {
  return form == NormForm::fused ? fused_norm(kind, x, weight, bias, a)
                                 : composed_norm(x, weight, bias, a);
}

// --- Checks ---

void check_input(const char* op, const Tensor& x, const Tensor& weight, const Tensor& bias,
                 const Shape& affine_shape) {
  check_floating(op, x);
  for (const auto& [role, t] : {std::pair("weight", &weight), std::pair("bias", &bias)}) {
    if (!t->defined()) continue;
    check_same_dtype(op, x, *t);
    if (t->shape() == affine_shape) continue;
    throw ShapeError(
        op, str("expected ", role, " ", affine_shape, ", got ", t->shape(), ": input ", x.shape()));
  }
}

void check_channels(const char* op, const Tensor& x) {
  if (x.dim() >= 2) return;
  throw ShapeError(op, str("expected [N,C,...], got ", x.shape()));
}

void check_normalized_shape(const char* op, const Tensor& x, const Shape& normalized) {
  const int extra = x.dim() - normalized.dim();
  const bool fits = normalized.dim() > 0 && extra >= 0 &&
                    std::equal(normalized.begin(), normalized.end(), x.shape().begin() + extra);
  if (fits) return;
  throw ShapeError(op,
                   str("normalized_shape ", normalized, " is not how input ", x.shape(), " ends"),
                   "it names the sizes of the last dimensions");
}

}  // namespace

NormResult batch_norm_train(const Tensor& x, const Tensor& weight, const Tensor& bias, double eps,
                            NormForm form) {
  check_channels("batch_norm", x);
  const Shape affine = {x.shape()[1]};
  check_input("batch_norm", x, weight, bias, affine);
  return compute_norm(Kind::batch, x, weight, bias, {batch_layout(x.shape()), affine, eps}, form);
}

NormResult instance_norm(const Tensor& x, const Tensor& weight, const Tensor& bias, double eps,
                         NormForm form) {
  check_channels("instance_norm", x);
  const Shape affine = {x.shape()[1]};
  check_input("instance_norm", x, weight, bias, affine);
  NormResult result = compute_norm(Kind::instance, x, weight, bias,
                                   {group_layout(x.shape(), x.shape()[1]), affine, eps}, form);
  result.mean = reshape(result.mean, {x.shape()[0], x.shape()[1]});
  result.variance = reshape(result.variance, {x.shape()[0], x.shape()[1]});
  return result;
}

Tensor layer_norm(const Tensor& x, const Shape& normalized_shape, const Tensor& weight,
                  const Tensor& bias, double eps, NormForm form) {
  check_normalized_shape("layer_norm", x, normalized_shape);
  check_input("layer_norm", x, weight, bias, normalized_shape);
  return compute_norm(Kind::layer, x, weight, bias,
                      {layer_layout(x.shape(), normalized_shape), normalized_shape, eps}, form)
      .y;
}

Tensor group_norm(const Tensor& x, int64_t num_groups, const Tensor& weight, const Tensor& bias,
                  double eps, NormForm form) {
  check_channels("group_norm", x);
  if (num_groups < 1 || x.shape()[1] % num_groups != 0) {
    throw ShapeError("group_norm", str(x.shape()[1], " channels do not fall into ", num_groups,
                                       " groups: input ", x.shape()));
  }
  const Shape affine = {x.shape()[1]};
  check_input("group_norm", x, weight, bias, affine);
  return compute_norm(Kind::group, x, weight, bias,
                      {group_layout(x.shape(), num_groups), affine, eps}, form)
      .y;
}

Tensor batch_norm_eval(const Tensor& x, const Tensor& running_mean, const Tensor& running_var,
                       const Tensor& weight, const Tensor& bias, double eps) {
  check_channels("batch_norm", x);
  const Shape channels = {x.shape()[1]};
  check_input("batch_norm", x, weight, bias, channels);
  check_input("batch_norm", x, running_mean, running_var, channels);
  Shape shape = Shape::filled(x.dim(), 1);
  shape[1] = x.shape()[1];
  const auto per_channel = [&](const Tensor& t) { return reshape(t, shape); };
  // Two passes over x: (x - mean) r, then the affine part. No centring terms in the gradient.
  const Tensor r = rsqrt(add(running_var, eps));
  Tensor y = mul(sub(x, per_channel(running_mean)), per_channel(r));
  if (weight.defined()) y = mul(y, per_channel(weight));
  return bias.defined() ? add(y, per_channel(bias)) : y;
}

Tensor rms_norm(const Tensor& x, const Shape& normalized_shape, const Tensor& weight, double eps) {
  check_normalized_shape("rms_norm", x, normalized_shape);
  check_input("rms_norm", x, weight, {}, normalized_shape);
  Dims dims;
  for (int d = x.dim() - normalized_shape.dim(); d < x.dim(); ++d) dims.push_back(d);
  const Tensor y = mul(x, rsqrt(add(mean(square(x), dims, true), eps)));
  return weight.defined() ? mul(y, weight) : y;
}

Tensor local_response_norm(const Tensor& x, int64_t size, double alpha, double beta, double k) {
  constexpr const char* op = "local_response_norm";
  check_floating(op, x);
  if (x.dim() < 3) throw ShapeError(op, str("expected [N,C,...], got ", x.shape()));
  if (size < 1) throw ValueError(op, str("size must be at least 1, got ", size));
  const int64_t channels = x.shape()[1];
  std::vector<int64_t> pads(static_cast<size_t>(2 * (x.dim() - 1)),
                            0);  // only the channels get any
  pads[pads.size() - 2] = size / 2;
  pads[pads.size() - 1] = (size - 1) / 2;
  const Tensor squares = pad(square(x), pads);
  Tensor total = narrow(squares, 1, 0, channels);
  for (int64_t i = 1; i < size; ++i) total = add(total, narrow(squares, 1, i, channels));
  const Tensor density = add(mul(total, alpha / static_cast<double>(size)), k);
  return div(x, pow(density, beta));
}

}  // namespace gradus
