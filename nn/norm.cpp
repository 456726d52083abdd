#include "norm.h"

#include <algorithm>
#include <limits>

#include "../core/base/error.h"

namespace gradus::nn {

namespace {

void check_eps(const char* type, double eps) {
  require(eps >= 0, type, "it keeps a variance of 0 from being divided by; 1e-5 is usual",
          "eps must not be negative, got ", eps);  // NaN is rejected too
}

void check_channels(const char* type, const Tensor& x, int64_t channels) {
  require<ShapeError>(x.dim() >= 2, type, "unsqueeze(x, 0) makes a batch of one sample",
                      "expected [N,C,...], got ", x.shape());
  require<ShapeError>(x.shape()[1] == channels, type,
                      "channels are dimension 1, also of images: [N,C,H,W]", "expected ", channels,
                      " channels, got ", x.shape()[1], ": input ", x.shape());
}

}  // namespace

// --- What all norm layers share ---

NormLayer::NormLayer(const Shape& affine_shape, bool with_weight, bool with_bias)
    : weight(parameter("weight", with_weight ? ones(affine_shape) : Tensor())),
      bias(parameter("bias", with_bias ? zeros(affine_shape) : Tensor())) {}

void NormLayer::freeze(const NormFreeze& parts) {
  require(!parts.statistics || has_running_statistics(), type(),
          "batch and instance norm have them with track_running_stats = true",
          "has no running statistics to freeze");
  for (Tensor* t : {&weight, &bias}) {
    if (t->defined()) t->requires_grad_(!parts.affine);
  }
}

namespace {

template <class Visit>
void for_each_norm(Module& net, const Visit& visit) {
  for (const auto& [path, module] : net.named_modules()) {
    if (auto* norm = dynamic_cast<NormLayer*>(module)) visit(*norm);
  }
}

}  // namespace

void set_norm_form(Module& net, NormForm form) {
  for_each_norm(net, [form](NormLayer& norm) { norm.set_form(form); });
}

void freeze_norms(Module& net, const NormFreeze& parts) {
  for_each_norm(net, [&parts](NormLayer& norm) {
    norm.freeze(
        {.statistics = parts.statistics && norm.has_running_statistics(), .affine = parts.affine});
  });
}

void convert_sync_batchnorm(Module& net) {
  for_each_norm(net, [](NormLayer& norm) {
    if (auto* layer = dynamic_cast<ChannelNormLayer*>(&norm)) layer->set_synchronized(true);
  });
}

// --- Batch norm and instance norm ---

namespace {

template <class Setting>
const Setting& checked(const Setting& s) {
  check_at_least(s.type, "num_features", s.channels, 1);
  check_eps(s.type, s.eps);
  require(!s.momentum || (*s.momentum >= 0 && *s.momentum <= 1), s.type,
          "it is the share of the new batch; leave it empty for the average of all",
          "momentum must be in [0, 1], got ", s.momentum.value_or(0));
  return s;
}

/// The dimensions that a norm accepts, for error messages.
const char* layout_of(NormOver over, int spatial) {
  static constexpr const char* batched[] = {"[N,C] or [N,C,L]", "[N,C,H,W]", "[N,C,D,H,W]"};
  static constexpr const char* unbatched[] = {"[N,C,L] or [C,L]", "[N,C,H,W] or [C,H,W]",
                                              "[N,C,D,H,W] or [C,D,H,W]"};
  return (over == NormOver::batch ? batched : unbatched)[spatial - 1];
}

}  // namespace

ChannelNormLayer::ChannelNormLayer(const Setting& s)
    : NormLayer({checked(s).channels}, s.affine, s.affine),
      running_mean(buffer("running_mean", s.tracks ? zeros({s.channels}) : Tensor())),
      running_var(buffer("running_var", s.tracks ? ones({s.channels}) : Tensor())),
      // Files older than this buffer do not have it.
      num_batches_tracked(
          buffer("num_batches_tracked", s.tracks ? zeros({}, int64) : Tensor(), InFile::optional)),
      setting_(s) {}

void ChannelNormLayer::freeze(const NormFreeze& parts) {
  NormLayer::freeze(parts);
  frozen_statistics_ = parts.statistics;
}

bool ChannelNormLayer::uses_input_statistics() const {
  return !has_running_statistics() || (is_training() && !frozen_statistics_);
}

/// x is [N, C, ...] here.
void ChannelNormLayer::check_input(const Tensor& x) const {
  check_channels(setting_.type, x, setting_.channels);
  if (!running_mean.defined()) return;
  require<DTypeError>(x.dtype() == running_mean.dtype(), setting_.type,
                      "convert the input or the module with .to(dtype)", "input ", x.shape(),
                      " is ", x.dtype(), ", the statistics are ", running_mean.dtype());
}

/// `values` is the number of elements that statistics cover.
void ChannelNormLayer::check_values(const Tensor& x, int64_t values) const {
  const char* const hint =
      !is_batch() ? "the variance of one value is 0: norms over one position leave the bias alone"
      : has_running_statistics()
          ? "the variance of one value is 0: drop a last batch of one sample, or call eval()"
          : "the variance of one value is 0: drop a last batch of one sample, or build the layer "
            "with track_running_stats, for evaluation";
  require(values > 1, setting_.type, hint, "expected more than 1 value per channel ",
          is_batch() ? "" : "and sample ",
          is_training() ? "when training" : "in evaluation without running statistics",
          ", got input ", x.shape());
}

Tensor ChannelNormLayer::forward(const Tensor& x) {
  const int batched = setting_.spatial + 2;
  const bool is_one_less = x.dim() == batched - 1;
  require<ShapeError>(
      x.dim() == batched || (is_one_less && (setting_.spatial == 1 || !is_batch())), setting_.type,
      x.dim() == 2 && is_batch()
          ? "rows [N,C] go through BatchNorm1d"
          : "the number in the layer's name counts the dimensions after the channels",
      "expected ", layout_of(setting_.over, setting_.spatial), ", got ", x.shape());
  const bool is_one_sample = is_one_less && !is_batch();
  const Tensor batch = is_one_sample ? unsqueeze(x, 0) : x;
  check_input(batch);
  return is_one_sample ? squeeze(normalize(batch), 0) : normalize(batch);
}

Tensor ChannelNormLayer::normalize(const Tensor& x) {
  const double epsilon = setting_.eps;
  if (!uses_input_statistics()) {
    return batch_norm_eval(x, running_mean, running_var, weight, bias, epsilon, form());
  }
  const bool shares = statistics_shards() != nullptr;
  if (x.numel() == 0 && !shares) {  // no statistics to speak of: any will do for no values
    if (shards_ != nullptr && has_running_statistics()) update_with_shards({}, 0, 0);
    const Tensor zero = zeros({setting_.channels}, x.dtype()), one = ones_like(zero);
    return batch_norm_eval(x, zero, one, weight, bias, epsilon, form());
  }
  const int64_t samples = x.shape()[0];
  const int64_t values = x.numel() / setting_.channels / (is_batch() ? 1 : samples);
  if (!shares) check_values(x, values);
  const NormResult result = normalize_by_input(x);
  if (has_running_statistics()) {
    shards_ != nullptr ? update_with_shards(result, samples, values)
                       : update_running_statistics(result, values);
  }
  return result.y;
}

NormResult ChannelNormLayer::normalize_by_input(const Tensor& x) {
  return is_batch() ? batch_norm_train(x, weight, bias, setting_.eps, form(), statistics_shards())
                    : instance_norm(x, weight, bias, setting_.eps, form());
}

// --- Layer norm and root mean square norm ---

void check_normalized_shape(const char* type, const Shape& shape) {
  const bool fits =
      shape.dim() > 0 && std::all_of(shape.begin(), shape.end(), [](int64_t n) { return n > 0; });
  require(fits, type, "give the sizes of the last dimensions of the input",
          "normalized_shape must have at least one size and none below 1, got ", shape);
}

namespace {

template <class Options>
const Options& checked_last(const Options& o, double eps) {
  check_normalized_shape(o.type, o.normalized_shape);
  check_eps(o.type, eps);
  return o;
}

double machine_epsilon(DType dtype) {
  return dtype == float64 ? std::numeric_limits<double>::epsilon()
                          : static_cast<double>(std::numeric_limits<float>::epsilon());
}

}  // namespace

LayerNorm::LayerNorm(const LayerNormOptions& o)
    : Layer(checked_last(o, o.eps), o.normalized_shape, o.elementwise_affine,
            o.elementwise_affine && o.bias) {}

Tensor LayerNorm::forward(const Tensor& x) {
  return layer_norm(x, options().normalized_shape, weight, bias, options().eps, form());
}

RMSNorm::RMSNorm(const RMSNormOptions& o)
    : Layer(checked_last(o, o.eps.value_or(0)), o.normalized_shape, o.elementwise_affine, false) {}

Tensor RMSNorm::forward(const Tensor& x) {
  const double eps = options().eps ? *options().eps : machine_epsilon(x.dtype());
  return rms_norm(x, options().normalized_shape, weight, eps, form());
}

// --- Group norm ---

namespace {

const GroupNormOptions& checked(const GroupNormOptions& o) {
  check_at_least(o.type, "num_groups", o.num_groups, 1);
  check_at_least(o.type, "num_channels", o.num_channels, 1);
  check_eps(o.type, o.eps);
  require(o.num_channels % o.num_groups == 0, o.type, "all groups have the same number of channels",
          "num_channels ", o.num_channels, " is not divisible by num_groups ", o.num_groups);
  return o;
}

}  // namespace

GroupNorm::GroupNorm(const GroupNormOptions& o)
    : Layer(checked(o), Shape{o.num_channels}, o.affine, o.affine) {}

Tensor GroupNorm::forward(const Tensor& x) {
  const GroupNormOptions& o = options();
  check_channels(o.type, x, o.num_channels);
  require(x.numel() == 0 || x.numel() > x.shape()[0] * o.num_groups, o.type,
          "the variance of one value is 0: take fewer groups",
          "expected more than 1 value per group, got input ", x.shape());
  return group_norm(x, o.num_groups, weight, bias, o.eps, form());
}

}  // namespace gradus::nn
