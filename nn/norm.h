// Normalization layers. The sets they normalize, formulas and pitfalls: docs/normalization.md.
#pragma once

#include "function_layer.h"

namespace gradus::nn {

/// Which parts of a norm layer are frozen, whatever the mode.
struct NormFreeze {
  bool statistics = false;  ///< normalize with the running statistics, and no longer update them
  bool affine = false;      ///< weight and bias require no gradient
};

/// Base of the layers that normalize: an optional affine part, and the form of computation.
class NormLayer : public Module {
 public:
  /// Fused kernels (the default) or primitives, for this layer; see gradus::NormForm.
  void set_form(NormForm form) { form_ = form; }
  NormForm form() const { return form_; }

  /// Freezes these parts and unfreezes the others: `freeze({.statistics = true})`, `freeze({})`. A
  /// later train() does not undo it. Throws ValueError for the statistics of a layer without
  /// running statistics.
  virtual void freeze(const NormFreeze& parts);
  virtual bool has_running_statistics() const { return false; }
  virtual bool has_frozen_statistics() const { return false; }

  Tensor& weight;  ///< starts as ones; undefined if an option disables it
  Tensor& bias;    ///< starts as zeros; likewise

 protected:
  NormLayer(const Shape& affine_shape, bool with_weight, bool with_bias);

 private:
  NormForm form_ = NormForm::fused;
};

/// Sets the form of all norm layers of a net.
void set_norm_form(Module& net, NormForm form);
/// Freezes these parts of all norm layers of a net, statistics if there are any.
void freeze_norms(Module& net, const NormFreeze& parts);
/// From now on, all batch norms of a net normalize with the statistics of the whole batch where it
/// is computed in shards (optim::DataParallel), rather than with those of each shard. Without
/// shards nothing changes. PyTorch's name; layers stay what they are, and so do files.
void convert_sync_batchnorm(Module& net);

// --- Batch norm and instance norm: statistics of each channel ------------------------------------

/// Which positions the statistics of a channel cover: those of all samples, or of one.
enum class NormOver { batch, instance };

/// Options of ChannelNorm: PyTorch's names and defaults. `Spatial` is the number of dimensions
/// after [N, C].
template <NormOver over, int Spatial>
struct ChannelNormOptions {
  static constexpr bool is_batch = over == NormOver::batch;
  static constexpr const char* type =
      is_batch ? for_dims<Spatial>("BatchNorm1d", "BatchNorm2d", "BatchNorm3d")
               : for_dims<Spatial>("InstanceNorm1d", "InstanceNorm2d", "InstanceNorm3d");
  int64_t num_features = 0;  ///< C, the number of channels; required
  double eps = 1e-5;         ///< added to the variance before the root; at least 0
  /// Share of the new batch in the running statistics (the opposite of what Keras and ONNX call
  /// momentum), in [0, 1]; none for the average of all batches.
  std::optional<double> momentum = 0.1;
  bool affine = is_batch;               ///< use a trained weight and bias for each channel
  bool track_running_stats = is_batch;  ///< keep statistics for evaluation

  void describe(OptionVisitor& visit) {
    visit.required("num_features", num_features);
    visit("eps", eps);
    visit("momentum", momentum);
    visit("affine", affine);
    visit("track_running_stats", track_running_stats);
  }
};

/// What BatchNorm and InstanceNorm of all dimensions share.
///
/// Parameters weight, bias [C]; buffers running_mean, running_var [C] (0 and 1) and
/// num_batches_tracked (int64); undefined if affine or track_running_stats is off. Running
/// statistics are updated after the output is computed:
///
///     running = (1 - momentum) running + momentum batch
///
/// with the *unbiased* variance (divisor M - 1), while the output is normalized with the biased one
/// (divisor M). Training normalizes with statistics of the input, evaluation with the running ones;
/// without track_running_stats there are none, and those of the input are used in evaluation too.
///
/// A batch with NaN or infinities leaves them in the running statistics: see reset_running_stats().
/// Throws ShapeError for wrong dimensions or channels and, before anything changes, ValueError if
/// the statistics would be those of a single value. An empty batch gives an empty result and leaves
/// the running statistics as they are.
class ChannelNormLayer : public NormLayer {
 public:
  Tensor forward(const Tensor& x) override;
  void freeze(const NormFreeze& parts) override;
  bool has_running_statistics() const override { return running_mean.defined(); }
  bool depends_on_mode() const override { return has_running_statistics() && !frozen_statistics_; }

  /// Whether the next forward will normalize with statistics of its input.
  bool uses_input_statistics() const;
  bool has_frozen_statistics() const override { return frozen_statistics_; }
  NormOver over() const { return setting_.over; }
  int64_t num_channels() const { return setting_.channels; }
  /// Number of dimensions after [N, C].
  int spatial() const { return setting_.spatial; }
  double eps() const { return setting_.eps; }
  /// Running mean 0, variance 1, no batches tracked.
  void reset_running_stats();
  /// See convert_sync_batchnorm. Only of batch norm.
  void set_synchronized(bool on) { synchronized_ = on && is_batch(); }
  bool is_synchronized() const { return synchronized_; }
  /// The shards that the inputs from now on are; nullptr: whole batches. Running statistics are
  /// those of all shards together, synchronized or not. optim::DataParallel calls it.
  void set_shards(distributed::Shards* shards) { shards_ = shards; }

  Tensor& running_mean;         ///< [C], starts at 0
  Tensor& running_var;          ///< [C], starts at 1; unbiased
  Tensor& num_batches_tracked;  ///< int64 []

 protected:
  /// The options, and what follows from the class.
  struct Setting {
    const char* type;
    NormOver over;
    int spatial;
    int64_t channels;
    double eps;
    std::optional<double> momentum;
    bool affine, tracks;
  };
  explicit ChannelNormLayer(const Setting& setting);

  /// forward of a batch [N, C, ...] whose sizes and types have been checked.
  virtual Tensor normalize(const Tensor& x);
  /// The output and the statistics of a batch that is normalized with its own, or those of all
  /// shards. The running statistics are updated afterwards.
  virtual NormResult normalize_by_input(const Tensor& x);
  /// The shards over which statistics extend; nullptr if they do not.
  distributed::Shards* statistics_shards() const { return synchronized_ ? shards_ : nullptr; }

 private:
  bool is_batch() const { return setting_.over == NormOver::batch; }
  void check_input(const Tensor& x) const;
  void check_values(const Tensor& x, int64_t values) const;
  /// In running_statistics.cpp.
  /// @{
  void update_running_statistics(const NormResult& batch, int64_t values);
  /// Of all shards together, once each has computed its own. `values` are those of this shard, in
  /// each set.
  void update_with_shards(const NormResult& own, int64_t samples, int64_t values);
  /// @}

  Setting setting_;
  bool frozen_statistics_ = false, synchronized_ = false;
  distributed::Shards* shards_ = nullptr;
};

/// BatchNorm and InstanceNorm under their options; everything else is in ChannelNormLayer.
template <NormOver over, int Spatial>
class ChannelNorm : public Layer<ChannelNormOptions<over, Spatial>, ChannelNormLayer> {
 public:
  using Options = ChannelNormOptions<over, Spatial>;
  explicit ChannelNorm(const Options& o)
      : Layer<Options, ChannelNormLayer>(
            o, ChannelNormLayer::Setting{Options::type, over, Spatial, o.num_features, o.eps,
                                         o.momentum, o.affine, o.track_running_stats}) {}
  explicit ChannelNorm(int64_t num_features) : ChannelNorm(Options{num_features}) {}
};

/// Batch normalization: y = (x - mean) / sqrt(var + eps) * weight + bias, with mean and variance of
/// each channel over the batch and all positions, M = N H W in two dimensions (Ioffe and Szegedy,
/// arXiv 1502.03167).
/// x is [N, C] or [N, C, L], [N, C, H, W], or [N, C, D, H, W].
/// @{
using BatchNorm1d = ChannelNorm<NormOver::batch, 1>;
using BatchNorm2d = ChannelNorm<NormOver::batch, 2>;
using BatchNorm3d = ChannelNorm<NormOver::batch, 3>;
using BatchNorm1dOptions = BatchNorm1d::Options;
using BatchNorm2dOptions = BatchNorm2d::Options;
using BatchNorm3dOptions = BatchNorm3d::Options;
/// @}

/// Instance normalization: the same with mean and variance of each channel of each sample (Ulyanov
/// et al., arXiv 1607.08022). By default it has neither an affine part nor running statistics. x is
/// [N, C, L], [N, C, H, W] or [N, C, D, H, W], or one such sample without N.
///
/// Running statistics, if requested, are updated with the per-sample means and unbiased variances,
/// averaged over the batch, and evaluation then computes what BatchNorm does with them.
/// num_batches_tracked counts only without momentum; otherwise it stays 0, as in PyTorch.
/// @{
using InstanceNorm1d = ChannelNorm<NormOver::instance, 1>;
using InstanceNorm2d = ChannelNorm<NormOver::instance, 2>;
using InstanceNorm3d = ChannelNorm<NormOver::instance, 3>;
using InstanceNorm1dOptions = InstanceNorm1d::Options;
using InstanceNorm2dOptions = InstanceNorm2d::Options;
using InstanceNorm3dOptions = InstanceNorm3d::Options;
/// @}

// --- Norms of each sample on its own: no statistics to keep, the same in both modes --------------

/// Throws ValueError in the name of layer `type` unless it has a dimension and no size is below 1.
void check_normalized_shape(const char* type, const Shape& shape);

/// Options of LayerNorm.
struct LayerNormOptions {
  static constexpr const char* type = "LayerNorm";
  Shape normalized_shape;          ///< the last sizes of the input; at least one
  double eps = 1e-5;               ///< added to the variance before the root; at least 0
  bool elementwise_affine = true;  ///< use a trained weight and bias
  bool bias = true;                ///< with false, the affine part is only a weight

  void describe(OptionVisitor& visit) {
    visit.required("normalized_shape", normalized_shape);
    visit("eps", eps);
    visit("elementwise_affine", elementwise_affine);
    visit("bias", bias);
  }
};
/// Layer normalization over the trailing dimensions of x, whose sizes are normalized_shape. weight
/// and bias have the same shape: one factor per element, not per channel (Ba, Kiros and Hinton,
/// arXiv 1607.06450). Throws ShapeError for an input with other last sizes.
class LayerNorm : public Layer<LayerNormOptions, NormLayer> {
 public:
  explicit LayerNorm(const LayerNormOptions& options);
  explicit LayerNorm(int64_t size) : LayerNorm(LayerNormOptions{{size}}) {}
  Tensor forward(const Tensor& x) override;
};

/// Options of RMSNorm.
struct RMSNormOptions {
  static constexpr const char* type = "RMSNorm";
  Shape normalized_shape;  ///< the last sizes of the input; at least one
  /// Added to the mean of the squares; if empty, the distance from 1 to the next number of x's
  /// type.
  std::optional<double> eps = {};
  bool elementwise_affine = true;  ///< have a trained weight

  void describe(OptionVisitor& visit) {
    visit.required("normalized_shape", normalized_shape);
    visit("eps", eps);
    visit("elementwise_affine", elementwise_affine);
  }
};
/// y = x / sqrt(mean(x^2) + eps) * weight over the trailing dimensions of x, whose sizes are
/// normalized_shape, as are those of weight (Zhang and Sennrich, arXiv 1910.07467). There is no
/// bias.
class RMSNorm : public Layer<RMSNormOptions, NormLayer> {
 public:
  explicit RMSNorm(const RMSNormOptions& options);
  explicit RMSNorm(int64_t size) : RMSNorm(RMSNormOptions{{size}}) {}
  Tensor forward(const Tensor& x) override;
};

/// Options of GroupNorm.
struct GroupNormOptions {
  static constexpr const char* type = "GroupNorm";
  int64_t num_groups = 0;    ///< divides num_channels; required
  int64_t num_channels = 0;  ///< C; required
  double eps = 1e-5;         ///< added to the variance before the root; at least 0
  bool affine = true;        ///< use a trained weight and bias for each channel

  void describe(OptionVisitor& visit) {
    visit.required("num_groups", num_groups);
    visit.required("num_channels", num_channels);
    visit("eps", eps);
    visit("affine", affine);
  }
};
/// Group normalization of x [N, C, ...]: mean and variance of each sample over the positions of C /
/// num_groups adjacent channels; weight and bias [C] (Wu and He, arXiv 1803.08494). With one group
/// it is layer norm over [C, ...], with C groups instance norm, up to the affine part.
///
/// Throws ShapeError for wrong channels and ValueError if a group has a single value.
class GroupNorm : public Layer<GroupNormOptions, NormLayer> {
 public:
  explicit GroupNorm(const GroupNormOptions& options);
  GroupNorm(int64_t num_groups, int64_t num_channels)
      : GroupNorm(GroupNormOptions{num_groups, num_channels}) {}
  Tensor forward(const Tensor& x) override;
};

// --- Local response norm: nothing to learn, nothing to keep --------------------------------------

/// Options of LocalResponseNorm; the letters are those of gradus::local_response_norm.
struct LocalResponseNormOptions {
  static constexpr const char* type = "LocalResponseNorm";
  int64_t size = 0;     ///< number of adjacent channels, the middle one included; at least 1
  double alpha = 1e-4;  ///< factor of the mean square
  double beta = 0.75;   ///< power of the divisor
  double k = 1;         ///< added to the mean square before the power

  void describe(OptionVisitor& visit) {
    visit.required("size", size);
    visit("alpha", alpha);
    visit("beta", beta);
    visit("k", k);
  }
  void check() const { check_at_least(type, "size", size, 1); }
  Tensor apply(const Tensor& x) const { return local_response_norm(x, size, alpha, beta, k); }
};
/// Divides by a power of the mean square of adjacent channels (Krizhevsky et al., 2012); see
/// gradus::local_response_norm. Throws ValueError for a size below 1.
class LocalResponseNorm : public FunctionLayer<LocalResponseNormOptions> {
 public:
  explicit LocalResponseNorm(const LocalResponseNormOptions& options) : FunctionLayer(options) {}
  explicit LocalResponseNorm(int64_t size) : FunctionLayer({.size = size}) {}
};

}  // namespace gradus::nn
