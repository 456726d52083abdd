#include "norm.h"

#include "../core/base/error.h"
#include "../core/tape.h"

namespace gradus::nn {

namespace {

template <class Options>
const Options& checked(const Options& o) {
  check_at_least(o.type, "num_features", o.num_features, 1);
  if (!(o.eps >= 0)) throw ValueError(o.type, str("eps must not be negative, got ", o.eps));
  if (o.momentum && !(*o.momentum >= 0 && *o.momentum <= 1)) {
    throw ValueError(o.type, str("momentum must be in [0, 1], got ", *o.momentum),
                     "it is the share of the new batch; leave it empty for the average of all");
  }
  return o;
}

}  // namespace

template <int Spatial>
BatchNorm<Spatial>::BatchNorm(const Options& o)
    : Layer<Options>(checked(o)),
      weight(this->parameter("weight", o.affine ? ones({o.num_features}) : Tensor())),
      bias(this->parameter("bias", o.affine ? zeros({o.num_features}) : Tensor())),
      running_mean(
          this->buffer("running_mean", o.track_running_stats ? zeros({o.num_features}) : Tensor())),
      running_var(
          this->buffer("running_var", o.track_running_stats ? ones({o.num_features}) : Tensor())),
      // Files older than this buffer do not have it.
      num_batches_tracked(this->buffer("num_batches_tracked",
                                       o.track_running_stats ? zeros({}, int64) : Tensor(),
                                       Module::InFile::optional)) {}

template <int Spatial>
void BatchNorm<Spatial>::check_input(const Tensor& x) const {
  const Options& o = this->options();
  const bool rank_fits = x.dim() == Spatial + 2 || (Spatial == 1 && x.dim() == 2);
  if (!rank_fits) {
    const char* layout = Spatial == 1   ? "[N,C] or [N,C,L]"
                         : Spatial == 2 ? "[N,C,H,W]"
                                        : "[N,C,D,H,W]";
    throw ShapeError(o.type, str("expected ", layout, ", got ", x.shape()));
  }
  if (x.shape()[1] != o.num_features) {
    throw ShapeError(o.type, str("expected ", o.num_features, " channels, got ", x.shape()[1],
                                 ": input ", x.shape()));
  }
  if (running_mean.defined() && x.dtype() != running_mean.dtype()) {
    throw DTypeError(
        o.type,
        str("input ", x.shape(), " is ", x.dtype(), ", the statistics are ", running_mean.dtype()),
        "convert the input or the module with .to(dtype)");
  }
}

template <int Spatial>
Tensor BatchNorm<Spatial>::forward(const Tensor& x) {
  const Options& o = this->options();
  check_input(x);
  const bool tracks = running_mean.defined();
  const bool uses_batch = !tracks || (this->is_training() && !frozen_);
  if (!uses_batch) return batch_norm_eval(x, running_mean, running_var, weight, bias, o.eps);
  if (x.numel() == 0) {  // no statistics to speak of: any will do for no values
    const Tensor zero = zeros({o.num_features}, x.dtype()), one = ones_like(zero);
    return batch_norm_eval(x, zero, one, weight, bias, o.eps);
  }
  const int64_t values = x.numel() / o.num_features;
  if (values == 1) {
    throw ValueError(
        o.type, str("expected more than 1 value per channel when training, got input ", x.shape()),
        "the variance of one value is 0: drop a last batch of one sample, or call "
        "eval()");
  }
  const NormResult batch = batch_norm_train(x, weight, bias, o.eps);
  if (tracks) update_statistics(batch, static_cast<double>(values));
  return batch.y;
}

template <int Spatial>
void BatchNorm<Spatial>::update_statistics(const NormResult& batch, double values_per_channel) {
  const NoGrad pause;
  num_batches_tracked.add_(ones({}, int64));
  const double share = this->options().momentum.value_or(1 / num_batches_tracked.item());
  const double unbiased = values_per_channel / (values_per_channel - 1);
  running_mean.mul_(1 - share).add_(batch.mean, share);
  running_var.mul_(1 - share).add_(batch.variance, share * unbiased);
}

template <int Spatial>
void BatchNorm<Spatial>::freeze_statistics(bool on) {
  if (!running_mean.defined()) {
    throw ValueError(this->options().type, "has no running statistics to freeze",
                     "build it with track_running_stats = true");
  }
  frozen_ = on;
}

template <int Spatial>
void BatchNorm<Spatial>::reset_running_stats() {
  if (!running_mean.defined()) return;
  const NoGrad pause;
  running_mean.zero_();
  running_var.fill_(1);
  num_batches_tracked.zero_();
}

template class BatchNorm<1>;
template class BatchNorm<2>;
template class BatchNorm<3>;

}  // namespace gradus::nn
