// Variants of batch norm, and layers that take the place of a norm.
#pragma once

#include "norm.h"

namespace gradus::nn {

// --- Ghost batch norm: the statistics of parts of a batch ----------------------------------------

/// Options of GhostBatchNorm: those of batch norm, and the size of a part.
template <int Spatial>
struct GhostBatchNormOptions {
  static constexpr const char* type =
      for_dims<Spatial>("GhostBatchNorm1d", "GhostBatchNorm2d", "GhostBatchNorm3d");
  int64_t num_features = 0;        ///< C, the number of channels; required
  int64_t virtual_batch_size = 0;  ///< samples of a part; required
  double eps = 1e-5;               ///< added to the variance before the root; at least 0
  /// Share of a part in the running statistics, in [0, 1]; none for the average of all parts.
  std::optional<double> momentum = 0.1;
  bool affine = true;               ///< use a trained weight and bias for each channel
  bool track_running_stats = true;  ///< keep statistics for evaluation

  void describe(OptionVisitor& visit) {
    visit.required("num_features", num_features);
    visit.required("virtual_batch_size", virtual_batch_size);
    visit("eps", eps);
    visit("momentum", momentum);
    visit("affine", affine);
    visit("track_running_stats", track_running_stats);
  }
};

/// What GhostBatchNorm of all dimensions share.
class GhostBatchNormLayer : public ChannelNormLayer {
 protected:
  GhostBatchNormLayer(const Setting& setting, int64_t virtual_batch_size);
  Tensor normalize(const Tensor& x) override;

 private:
  int64_t virtual_batch_size_;
};

/// Batch norm in which each part of a batch has statistics of its own, so that a large batch is
/// normalized as a small one (Hoffer, Hubara and Soudry, arXiv 1705.08741). Evaluation, parameters
/// and buffers are those of batch norm.
///
/// A batch of N samples becomes N / virtual_batch_size parts, rounded down but at least one, whose
/// sizes differ by at most one: so no part is smaller than virtual_batch_size, unless the batch is.
/// The running statistics, and num_batches_tracked, are updated with one part after the other.
template <int Spatial>
class GhostBatchNorm : public Layer<GhostBatchNormOptions<Spatial>, GhostBatchNormLayer> {
 public:
  using Options = GhostBatchNormOptions<Spatial>;
  explicit GhostBatchNorm(const Options& o)
      : Layer<Options, GhostBatchNormLayer>(
            o,
            ChannelNormLayer::Setting{Options::type, NormOver::batch, Spatial, o.num_features,
                                      o.eps, o.momentum, o.affine, o.track_running_stats},
            o.virtual_batch_size) {}
  GhostBatchNorm(int64_t num_features, int64_t virtual_batch_size)
      : GhostBatchNorm(Options{num_features, virtual_batch_size}) {}
};

using GhostBatchNorm1d = GhostBatchNorm<1>;  ///< [N, C] or [N, C, L]
using GhostBatchNorm2d = GhostBatchNorm<2>;  ///< [N, C, H, W]
/// Their options.
/// @{
using GhostBatchNorm1dOptions = GhostBatchNorm1d::Options;
using GhostBatchNorm2dOptions = GhostBatchNorm2d::Options;
/// @}

// --- Batch renormalization: training with nearly the statistics of evaluation --------------------

/// Options of BatchRenorm: those of batch norm, and limits.
template <int Spatial>
struct BatchRenormOptions {
  static constexpr const char* type =
      for_dims<Spatial>("BatchRenorm1d", "BatchRenorm2d", "BatchRenorm3d");
  int64_t num_features = 0;  ///< C, the number of channels; required
  double eps = 1e-5;         ///< added to the variance before the root; at least 0
  /// Share of the new batch in the running statistics, in [0, 1]; none for the average of all.
  std::optional<double> momentum = 0.1;
  bool affine = true;  ///< use a trained weight and bias for each channel
  double r_max = 3;    ///< r is limited to [1 / r_max, r_max]; at least 1
  double d_max = 5;    ///< d is limited to [-d_max, d_max]; at least 0

  void describe(OptionVisitor& visit) {
    visit.required("num_features", num_features);
    visit("eps", eps);
    visit("momentum", momentum);
    visit("affine", affine);
    visit("r_max", r_max);
    visit("d_max", d_max);
  }
};

/// What BatchRenorm of all dimensions share.
class BatchRenormLayer : public ChannelNormLayer {
 public:
  double r_max() const { return r_max_; }
  double d_max() const { return d_max_; }
  /// Changes the limits, which a copy of the layer and its model file then have, too. Ioffe starts
  /// with (1, 0), which is batch norm, and relaxes them once the running statistics mean something.
  /// Throws ValueError for r_max below 1 or d_max below 0.
  void set_limits(double r_max, double d_max);

 protected:
  BatchRenormLayer(const Setting& setting, double r_max, double d_max);
  NormResult normalize_by_input(const Tensor& x) override;

 private:
  double r_max_ = 1, d_max_ = 0;
};

/// Batch renormalization (Ioffe, arXiv 1702.03275): in training,
///
///     y = ((x - mean) / s r + d) weight + bias,   s = sqrt(var + eps)
///     r = s / s_run,   d = (mean - mean_run) / s_run
///
/// with s_run = sqrt(running_var + eps). So the output is what evaluation would give, as long as r
/// and d are within their limits, and small or unbalanced batches do less harm. The gradient treats
/// r and d as constants. Evaluation, parameters and buffers are those of batch norm; the running
/// statistics, of the batches before this one, have the unbiased variance as there.
template <int Spatial>
class BatchRenorm : public Layer<BatchRenormOptions<Spatial>, BatchRenormLayer> {
 public:
  using Options = BatchRenormOptions<Spatial>;
  explicit BatchRenorm(const Options& o)
      : Layer<Options, BatchRenormLayer>(
            o,
            ChannelNormLayer::Setting{Options::type, NormOver::batch, Spatial, o.num_features,
                                      o.eps, o.momentum, o.affine, true},
            o.r_max, o.d_max) {}
  explicit BatchRenorm(int64_t num_features) : BatchRenorm(Options{num_features}) {}
  void describe(OptionVisitor& visit) const override {
    Options current = this->options();
    current.r_max = this->r_max();
    current.d_max = this->d_max();
    current.describe(visit);
  }
};

using BatchRenorm1d = BatchRenorm<1>;  ///< [N, C] or [N, C, L]
using BatchRenorm2d = BatchRenorm<2>;  ///< [N, C, H, W]
/// Their options.
/// @{
using BatchRenorm1dOptions = BatchRenorm1d::Options;
using BatchRenorm2dOptions = BatchRenorm2d::Options;
/// @}

// --- In place of a norm: no statistics of other samples ------------------------------------------

/// Options of FilterResponseNorm2d.
struct FilterResponseNorm2dOptions {
  static constexpr const char* type = "FilterResponseNorm2d";
  int64_t num_features = 0;  ///< C, the number of channels; required
  double eps = 1e-6;         ///< added to the mean of the squares; larger for few positions
  bool affine = true;        ///< use a trained weight and bias for each channel
  bool tlu = true;           ///< apply the thresholded linear unit, with a trained tau

  void describe(OptionVisitor& visit) {
    visit.required("num_features", num_features);
    visit("eps", eps);
    visit("affine", affine);
    visit("tlu", tlu);
  }
};
/// Filter response normalization of x [N, C, H, W], with its activation (Singh and Krishnan, arXiv
/// 1911.09737):
///
///     y = max(x / sqrt(mean(x^2) + eps) weight + bias, tau)
///
/// with the mean over the positions of each channel of each sample. tau starts at 0, as a ReLU; no
/// other activation should follow. Throws ShapeError for other dimensions and channels.
class FilterResponseNorm2d : public Layer<FilterResponseNorm2dOptions, NormLayer> {
 public:
  explicit FilterResponseNorm2d(const FilterResponseNorm2dOptions& options);
  explicit FilterResponseNorm2d(int64_t num_features)
      : FilterResponseNorm2d(FilterResponseNorm2dOptions{num_features}) {}
  Tensor forward(const Tensor& x) override;

  Tensor& tau;  ///< [C]; undefined without the thresholded linear unit
};

/// Options of DynamicTanh.
struct DynamicTanhOptions {
  static constexpr const char* type = "DynamicTanh";
  /// The last sizes of the input, or 1 for a dimension whose elements share weight and bias: {C, 1,
  /// 1} is one of each per channel of images.
  Shape normalized_shape;
  double alpha_init_value = 0.5;  ///< of alpha

  void describe(OptionVisitor& visit) {
    visit.required("normalized_shape", normalized_shape);
    visit("alpha_init_value", alpha_init_value);
  }
};
/// y = tanh(alpha x) weight + bias, in place of layer norm (Zhu et al., arXiv 2503.10622): there
/// are no statistics, only the trained number alpha. weight and bias have the shape
/// normalized_shape. Throws ShapeError for an input with other last sizes.
class DynamicTanh : public Layer<DynamicTanhOptions, NormLayer> {
 public:
  explicit DynamicTanh(const DynamicTanhOptions& options);
  explicit DynamicTanh(int64_t size) : DynamicTanh(DynamicTanhOptions{{size}}) {}
  Tensor forward(const Tensor& x) override;

  Tensor& alpha;  ///< [1]
};

}  // namespace gradus::nn
