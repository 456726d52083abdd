#include "norm.h"

#include <algorithm>
#include <limits>

#include "../core/base/error.h"
#include "../core/tape.h"

namespace gradus::nn {

namespace {

void check_eps(const char* type, double eps) {
  if (eps >= 0) return;  // false for NaN too
  throw ValueError(type, str("eps must not be negative, got ", eps),
                   "it keeps a variance of 0 from being divided by; 1e-5 is usual");
}

void check_channels(const char* type, const Tensor& x, int64_t channels) {
  if (x.dim() < 2) {
    throw ShapeError(type, str("expected [N,C,...], got ", x.shape()),
                     "unsqueeze(x, 0) makes a batch of one sample");
  }
  if (x.shape()[1] == channels) return;
  throw ShapeError(
      type, str("expected ", channels, " channels, got ", x.shape()[1], ": input ", x.shape()),
      "channels are dimension 1, also of images: [N,C,H,W]");
}

}  // namespace

// --- What all norm layers share ---

NormLayer::NormLayer(const Shape& affine_shape, bool with_weight, bool with_bias)
    : weight(parameter("weight", with_weight ? ones(affine_shape) : Tensor())),
      bias(parameter("bias", with_bias ? zeros(affine_shape) : Tensor())) {}

void NormLayer::freeze(const NormFreeze& parts) {
  if (parts.statistics && !has_running_statistics()) {
    throw ValueError(type(), "has no running statistics to freeze",
                     "batch and instance norm have them with track_running_stats = true");
  }
  if (weight.defined()) weight.requires_grad_(!parts.affine);
  if (bias.defined()) bias.requires_grad_(!parts.affine);
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

// --- Batch norm and instance norm ---

namespace {

template <class Setting>
const Setting& checked(const Setting& s) {
  check_at_least(s.type, "num_features", s.channels, 1);
  check_eps(s.type, s.eps);
  if (s.momentum && !(*s.momentum >= 0 && *s.momentum <= 1)) {
    throw ValueError(s.type, str("momentum must be in [0, 1], got ", *s.momentum),
                     "it is the share of the new batch; leave it empty for the average of all");
  }
  return s;
}

/// The dimensions that a norm takes, for error messages.
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
  if (running_mean.defined() && x.dtype() != running_mean.dtype()) {
    throw DTypeError(
        setting_.type,
        str("input ", x.shape(), " is ", x.dtype(), ", the statistics are ", running_mean.dtype()),
        "convert the input or the module with .to(dtype)");
  }
}

/// `values` is the number that statistics are taken over.
void ChannelNormLayer::check_values(const Tensor& x, int64_t values) const {
  if (values > 1) return;
  const bool over_batch = setting_.over == NormOver::batch;
  const char* const when =
      is_training() ? "when training" : "in evaluation without running statistics";
  const char* hint = "the variance of one value is 0: norms over one position leave the bias alone";
  if (over_batch && has_running_statistics()) {
    hint = "the variance of one value is 0: drop a last batch of one sample, or call eval()";
  } else if (over_batch) {
    hint =
        "the variance of one value is 0: drop a last batch of one sample, or build the layer "
        "with track_running_stats, for evaluation";
  }
  throw ValueError(setting_.type,
                   str("expected more than 1 value per channel ", over_batch ? "" : "and sample ",
                       when, ", got input ", x.shape()),
                   hint);
}

Tensor ChannelNormLayer::forward(const Tensor& x) {
  const int batched = setting_.spatial + 2;
  const bool takes_one_less = setting_.spatial == 1 || setting_.over == NormOver::instance;
  if (x.dim() != batched && !(takes_one_less && x.dim() == batched - 1)) {
    throw ShapeError(
        setting_.type,
        str("expected ", layout_of(setting_.over, setting_.spatial), ", got ", x.shape()),
        x.dim() == 2 && setting_.over == NormOver::batch
            ? "rows [N,C] go through BatchNorm1d"
            : "the number in the layer's name counts the dimensions after the channels");
  }
  const bool is_one_sample = x.dim() == batched - 1 && setting_.over == NormOver::instance;
  return is_one_sample ? squeeze(normalize(unsqueeze(x, 0)), 0) : normalize(x);
}

Tensor ChannelNormLayer::normalize(const Tensor& x) {
  check_input(x);
  const double epsilon = setting_.eps;
  if (!uses_input_statistics()) {
    return batch_norm_eval(x, running_mean, running_var, weight, bias, epsilon, form());
  }
  if (x.numel() == 0) {  // no statistics to speak of: any will do for no values
    const Tensor zero = zeros({setting_.channels}, x.dtype()), one = ones_like(zero);
    return batch_norm_eval(x, zero, one, weight, bias, epsilon, form());
  }
  const bool over_batch = setting_.over == NormOver::batch;
  const int64_t values = x.numel() / setting_.channels / (over_batch ? 1 : x.shape()[0]);
  check_values(x, values);
  const NormResult result = over_batch ? batch_norm_train(x, weight, bias, epsilon, form())
                                       : instance_norm(x, weight, bias, epsilon, form());
  if (has_running_statistics()) update_statistics(result, values);
  return result.y;
}

void ChannelNormLayer::update_statistics(const NormResult& batch, int64_t values) {
  const NoGrad pause;
  const bool over_batch = setting_.over == NormOver::batch;
  const bool counts = over_batch || !setting_.momentum;
  const auto per_channel = [&](const Tensor& t) { return over_batch ? t : mean(t, {0}); };
  // What takes memory comes first: then all statistics move, or none.
  const Tensor one = ones({}, int64), batch_mean = per_channel(batch.mean),
               batch_variance = per_channel(batch.variance);
  if (counts) num_batches_tracked.add_(one);
  const double share = setting_.momentum ? *setting_.momentum : 1 / num_batches_tracked.item();
  const double unbiased = static_cast<double>(values) / static_cast<double>(values - 1);
  running_mean.mul_(1 - share).add_(batch_mean, share);
  running_var.mul_(1 - share).add_(batch_variance, share * unbiased);
}

void ChannelNormLayer::reset_running_stats() {
  if (!has_running_statistics()) return;
  const NoGrad pause;
  running_mean.zero_();
  running_var.fill_(1);
  num_batches_tracked.zero_();
}

// --- Layer norm and root mean square norm ---

namespace {

void check_normalized_shape(const char* type, const Shape& shape) {
  const bool fits =
      shape.dim() > 0 && std::all_of(shape.begin(), shape.end(), [](int64_t n) { return n > 0; });
  if (fits) return;
  throw ValueError(
      type, str("normalized_shape must have at least one size and none below 1, got ", shape),
      "give the sizes of the last dimensions of the input");
}

const LayerNormOptions& checked(const LayerNormOptions& o) {
  check_normalized_shape(o.type, o.normalized_shape);
  check_eps(o.type, o.eps);
  return o;
}

const RMSNormOptions& checked(const RMSNormOptions& o) {
  check_normalized_shape(o.type, o.normalized_shape);
  check_eps(o.type, o.eps.value_or(0));
  return o;
}

double machine_epsilon(DType dtype) {
  return dtype == float64 ? std::numeric_limits<double>::epsilon()
                          : static_cast<double>(std::numeric_limits<float>::epsilon());
}

}  // namespace

void LayerNormOptions::describe(OptionVisitor& visit) {
  visit.required("normalized_shape", normalized_shape);
  visit("eps", eps);
  visit("elementwise_affine", elementwise_affine);
  visit("bias", bias);
}

LayerNorm::LayerNorm(const LayerNormOptions& o)
    : Layer(checked(o), o.normalized_shape, o.elementwise_affine, o.elementwise_affine && o.bias) {}

Tensor LayerNorm::forward(const Tensor& x) {
  return layer_norm(x, options().normalized_shape, weight, bias, options().eps, form());
}

void RMSNormOptions::describe(OptionVisitor& visit) {
  visit.required("normalized_shape", normalized_shape);
  visit("eps", eps);
  visit("elementwise_affine", elementwise_affine);
}

RMSNorm::RMSNorm(const RMSNormOptions& o)
    : Layer(checked(o), o.normalized_shape, o.elementwise_affine, false) {}

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
  if (o.num_channels % o.num_groups == 0) return o;
  throw ValueError(
      o.type,
      str("num_channels ", o.num_channels, " is not divisible by num_groups ", o.num_groups),
      "all groups have the same number of channels");
}

}  // namespace

void GroupNormOptions::describe(OptionVisitor& visit) {
  visit.required("num_groups", num_groups);
  visit.required("num_channels", num_channels);
  visit("eps", eps);
  visit("affine", affine);
}

GroupNorm::GroupNorm(const GroupNormOptions& o)
    : Layer(checked(o), Shape{o.num_channels}, o.affine, o.affine) {}

Tensor GroupNorm::forward(const Tensor& x) {
  const GroupNormOptions& o = options();
  check_channels(o.type, x, o.num_channels);
  if (x.numel() > 0 && x.numel() == x.shape()[0] * o.num_groups) {
    throw ValueError(o.type, str("expected more than 1 value per group, got input ", x.shape()),
                     "the variance of one value is 0: take fewer groups");
  }
  return group_norm(x, o.num_groups, weight, bias, o.eps, form());
}

// --- Local response norm ---

void LocalResponseNormOptions::describe(OptionVisitor& visit) {
  visit.required("size", size);
  visit("alpha", alpha);
  visit("beta", beta);
  visit("k", k);
}

void LocalResponseNormOptions::check() const {
  check_at_least(type, "size", size, 1);
}

}  // namespace gradus::nn
