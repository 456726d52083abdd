// Everything that writes the running statistics of batch and instance norm: each forward in
// training, a reset, and a pass that takes them anew.
#include "running_statistics.h"

#include "../core/base/error.h"
#include "../core/distributed/shards.h"
#include "../core/tape.h"

namespace gradus::nn {

void ChannelNormLayer::update_running_statistics(const NormResult& batch, int64_t values) {
  const NoGrad pause;
  const bool counts = is_batch() || !setting_.momentum;
  const auto per_channel = [&](const Tensor& t) { return is_batch() ? t : mean(t, {0}); };
  // Allocations come first, so that all statistics are updated, or none.
  const Tensor one = ones({}, int64), batch_mean = per_channel(batch.mean),
               batch_variance = per_channel(batch.variance);
  if (counts) num_batches_tracked.add_(one);
  const double share = setting_.momentum ? *setting_.momentum : 1 / num_batches_tracked.item();
  const double unbiased = static_cast<double>(values) / static_cast<double>(values - 1);
  running_mean.mul_(1 - share).add_(batch_mean, share);
  running_var.mul_(1 - share).add_(batch_variance, share * unbiased);
}

void ChannelNormLayer::update_with_shards(const NormResult& own, int64_t samples, int64_t values) {
  const NoGrad pause;
  const auto number = [](int64_t n) { return full({1}, static_cast<double>(n), float64); };
  if (synchronized_) {  // the statistics are those of all shards already
    shards_->finish_with(number(values), [this, own](const Tensor& all) {
      update_running_statistics(own, static_cast<int64_t>(sum(all).item()));
    });
    return;
  }
  // A row as merge_statistics takes it, and the values of a set. Of instance norm, both statistics
  // are averaged over samples.
  const auto per_channel = [&](const Tensor& t) {
    if (samples == 0) return zeros({num_channels()}, float64);
    return (is_batch() ? t : mean(t, {0})).to(float64);
  };
  const int64_t count = is_batch() ? values : samples;
  const Tensor row = cat({number(count), per_channel(own.mean),
                          per_channel(own.variance) * static_cast<double>(count), number(values)});
  shards_->finish_with(row, [this](const Tensor& all) {
    const int64_t channels = num_channels();
    const Tensor rows = narrow(all, 1, 0, 1 + 2 * channels).clone();
    const auto merged = distributed::merge_statistics(rows);
    if (merged.count == 0) return;
    const DType dtype = running_mean.dtype();
    const Tensor mean = merged.mean.to(dtype);
    if (is_batch()) {
      update_running_statistics({{}, mean, merged.variance.to(dtype)},
                                static_cast<int64_t>(merged.count));
    } else {
      const Tensor variance = sum(narrow(rows, 1, 1 + channels, channels), {0}) / merged.count;
      update_running_statistics({{}, unsqueeze(mean, 0), unsqueeze(variance.to(dtype), 0)},
                                static_cast<int64_t>(max(select(all, 1, 1 + 2 * channels)).item()));
    }
  });
}

void ChannelNormLayer::reset_running_stats() {
  if (!has_running_statistics()) return;
  const NoGrad pause;
  running_mean.zero_();
  running_var.fill_(1);
  num_batches_tracked.zero_();
}

// --- Recomputing statistics ---

/// Watches one layer during the pass. Then the layer gets statistics back: its old ones, or those
/// that were collected.
class StatisticsPass::Collector {
 public:
  explicit Collector(ChannelNormLayer& layer)
      : layer_(layer),
        returned_{layer.running_mean.clone(), layer.running_var.clone(),
                  layer.num_batches_tracked.clone()},
        mean_(zeros({layer.num_channels()}, float64)),
        spread_(zeros_like(mean_)) {
    layer_.train();
    hook_ = layer_.set_forward_hook(
        [this](Module&, const Tensor& x, const Tensor&) { collect(x.detach()); });
  }
  ~Collector() {
    layer_.set_forward_hook(std::move(hook_));
    const NoGrad pause;
    put_back(layer_.running_mean, returned_.mean);
    put_back(layer_.running_var, returned_.variance);
    put_back(layer_.num_batches_tracked, returned_.batches);
  }
  Collector(const Collector&) = delete;
  Collector& operator=(const Collector&) = delete;

  /// Selects the new statistics, if the layer was called at all.
  void finish() {
    if (weight_ == 0) return;
    const DType dtype = layer_.running_mean.dtype();
    returned_.mean = mean_.to(dtype);
    returned_.variance = (over_batch() ? spread_ / (weight_ - 1) : spread_ / weight_).to(dtype);
    if (over_batch()) returned_.batches.fill_(static_cast<double>(batches_));
  }

 private:
  /// Allocates nothing, so that nothing can throw.
  static void put_back(Tensor& to, Tensor& from) {
    if (to.dtype() == from.dtype()) {
      to.copy_(from);
    } else {  // converted meanwhile
      to.set_data(std::move(from));
    }
  }

  bool over_batch() const { return layer_.over() == NormOver::batch; }

  void collect(const Tensor& input) {
    if (input.numel() == 0) return;
    const bool is_one_sample = !over_batch() && input.dim() == layer_.spatial() + 1;
    const Tensor x =
        reshape(input.to(float64), {is_one_sample ? 1 : input.size(0), layer_.num_channels(), -1});
    ++batches_;
    if (over_batch()) {
      const Tensor variance = var(x, {0, 2}, 0);
      const auto count = static_cast<double>(x.size(0) * x.size(2));
      add(count, mean(x, {0, 2}), variance * count, true);
    } else {
      // The variance of a channel is the mean of those of the samples, each unbiased.
      const auto samples = static_cast<double>(x.size(0));
      add(samples, mean(x, {0, 2}), sum(var(x, {2}, 1), {0}), false);
    }
  }

  /// Combines two groups of values (Chan, Golub and LeVeque, 1979); `spread` of a group is its sum
  /// of squares around its own mean, to which the distance of the means adds.
  void add(double weight, const Tensor& mean, const Tensor& spread, bool means_add) {
    const double total = weight_ + weight;
    const Tensor step = mean - mean_;
    spread_ = spread_ + spread;
    if (means_add) spread_ = spread_ + square(step) * (weight_ * weight / total);
    mean_ = mean_ + step * (weight / total);
    weight_ = total;
  }

  struct Statistics {
    Tensor mean, variance, batches;
  };

  ChannelNormLayer& layer_;
  Statistics returned_;
  ForwardHook hook_;
  double weight_ = 0;  // values, or samples for instance norm
  Tensor mean_, spread_;
  int64_t batches_ = 0;
};

StatisticsPass::StatisticsPass(Module& net) : net_(net), mode_(net, Mode::evaluation) {
  for (const auto& [path, module] : net.named_modules()) {
    auto* layer = dynamic_cast<ChannelNormLayer*>(module);
    if (layer == nullptr || !layer->has_running_statistics() || layer->has_frozen_statistics()) {
      continue;
    }
    collectors_.push_back(std::make_unique<Collector>(*layer));
  }
}

StatisticsPass::~StatisticsPass() = default;

void StatisticsPass::add(const Tensor& x) {
  const NoGrad pause;
  net_(x);
  ++batches_;
}

void StatisticsPass::finish() {
  require(batches_ > 0, "recompute_statistics",
          "a range that can be read only once may have been read before", "there was no batch");
  for (const auto& collector : collectors_) collector->finish();
  collectors_.clear();
}

}  // namespace gradus::nn
