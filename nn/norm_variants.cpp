#include "norm_variants.h"

#include <vector>

#include "../core/base/error.h"
#include "../core/tape.h"

namespace gradus::nn {

namespace {

/// A tensor [C] that broadcasts over x [N, C, ...].
Tensor per_channel(const Tensor& t, const Tensor& x) {
  Shape shape{t.size(0)};
  for (int d = 2; d < x.dim(); ++d) shape.push_back(1);
  return reshape(t, shape);
}

}  // namespace

// --- Ghost batch norm ---

GhostBatchNormLayer::GhostBatchNormLayer(const Setting& setting, int64_t virtual_batch_size)
    : ChannelNormLayer(setting), virtual_batch_size_(virtual_batch_size) {
  check_given(setting.type, "virtual_batch_size", virtual_batch_size);
}

Tensor GhostBatchNormLayer::normalize(const Tensor& x) {
  const int64_t samples = x.size(0), count = samples / virtual_batch_size_;
  if (!uses_input_statistics() || count <= 1) return ChannelNormLayer::normalize(x);
  std::vector<Tensor> parts;
  parts.reserve(static_cast<size_t>(count));
  for (int64_t i = 0; i < count; ++i) {
    // The first part is one of the smallest: if it has too few values, nothing has changed yet.
    const int64_t begin = samples * i / count, end = samples * (i + 1) / count;
    parts.push_back(ChannelNormLayer::normalize(narrow(x, 0, begin, end - begin)));
  }
  return cat(parts, 0);
}

// --- Batch renormalization ---

BatchRenormLayer::BatchRenormLayer(const Setting& setting, double r_max, double d_max)
    : ChannelNormLayer(setting) {
  set_limits(r_max, d_max);
}

void BatchRenormLayer::set_limits(double r_max, double d_max) {
  require(r_max >= 1, "BatchRenorm", "r is limited to [1 / r_max, r_max]; 1 is batch norm's",
          "r_max must be at least 1, got ", r_max);
  require(d_max >= 0, "BatchRenorm", "d is limited to [-d_max, d_max]; 0 is batch norm's",
          "d_max must be at least 0, got ", d_max);
  r_max_ = r_max;
  d_max_ = d_max;
  options_changed();
}

NormResult BatchRenormLayer::normalize_by_input(const Tensor& x) {
  NormResult result = batch_norm_train(x, {}, {}, eps(), form(), statistics_shards());
  Tensor factor, shift;
  {
    const NoGrad pause;
    const Tensor running_scale = sqrt(running_var + eps());
    factor = clamp(sqrt(result.variance + eps()) / running_scale, 1 / r_max_, r_max_);
    shift = clamp((result.mean - running_mean) / running_scale, -d_max_, d_max_);
  }
  if (weight.defined()) {
    factor = factor * weight;
    shift = shift * weight + bias;
  }
  result.y = result.y * per_channel(factor, x) + per_channel(shift, x);
  return result;
}

// --- Filter response norm ---

namespace {

const FilterResponseNorm2dOptions& checked(const FilterResponseNorm2dOptions& o) {
  check_at_least(o.type, "num_features", o.num_features, 1);
  require(o.eps >= 0, o.type, "it keeps a mean square of 0 from being divided by; 1e-6 is usual",
          "eps must not be negative, got ", o.eps);
  return o;
}

}  // namespace

FilterResponseNorm2d::FilterResponseNorm2d(const FilterResponseNorm2dOptions& o)
    : Layer(checked(o), Shape{o.num_features}, o.affine, o.affine),
      tau(parameter("tau", o.tlu ? zeros({o.num_features}) : Tensor())) {}

Tensor FilterResponseNorm2d::forward(const Tensor& x) {
  const FilterResponseNorm2dOptions& o = options();
  require<ShapeError>(x.dim() == 4 && x.size(1) == o.num_features, o.type,
                      "unsqueeze(x, 0) makes a batch of one image", "expected [N,", o.num_features,
                      ",H,W], got ", x.shape());
  Tensor y = rms_norm(x, {x.size(2), x.size(3)}, {}, o.eps, form());
  if (weight.defined()) y = y * per_channel(weight, x) + per_channel(bias, x);
  return tau.defined() ? maximum(y, per_channel(tau, x)) : y;
}

// --- Dynamic tanh ---

namespace {

const DynamicTanhOptions& checked(const DynamicTanhOptions& o) {
  check_normalized_shape(o.type, o.normalized_shape);
  return o;
}

}  // namespace

DynamicTanh::DynamicTanh(const DynamicTanhOptions& o)
    : Layer(checked(o), o.normalized_shape, true, true),
      alpha(parameter("alpha", full({1}, o.alpha_init_value))) {}

Tensor DynamicTanh::forward(const Tensor& x) {
  const Shape& shape = options().normalized_shape;
  bool fits = x.dim() >= shape.dim();
  for (int d = 1; fits && d <= shape.dim(); ++d) {
    const int64_t size = shape[shape.dim() - d];
    fits = size == 1 || size == x.size(-d);
  }
  require<ShapeError>(fits, DynamicTanhOptions::type,
                      "a size of 1 in normalized_shape stands for any", "expected last sizes ",
                      shape, ", got input ", x.shape());
  return tanh(x * alpha) * weight + bias;
}

}  // namespace gradus::nn
