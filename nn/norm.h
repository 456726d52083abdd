// Normalization layers.
#pragma once

#include "module.h"

namespace gradus::nn {

/// `Spatial` is the number of dimensions behind [N, C].
template <int Spatial>
struct BatchNormOptions {
  static constexpr const char* type = Spatial == 1   ? "BatchNorm1d"
                                      : Spatial == 2 ? "BatchNorm2d"
                                                     : "BatchNorm3d";
  int64_t num_features = 0;
  double eps = 1e-5;
  /// Share of the new batch in the running statistics (the opposite of what Keras and ONNX call
  /// momentum); none for the average of all batches.
  std::optional<double> momentum = 0.1;
  bool affine = true;
  bool track_running_stats = true;

  void describe(OptionVisitor& visit) {
    visit.required("num_features", num_features);
    visit("eps", eps);
    visit("momentum", momentum);
    visit("affine", affine);
    visit("track_running_stats", track_running_stats);
  }
};

/// Batch normalization: y = (x - mean) / sqrt(var + eps) * weight + bias, per channel (Ioffe and
/// Szegedy, arXiv 1502.03167). x is [N, C, H, W] for BatchNorm2d, [N, C, D, H, W] for BatchNorm3d,
/// [N, C, L] or [N, C] for BatchNorm1d.
///
/// Training uses mean and biased variance (divisor M = N H W) of the batch, and moves the running
/// statistics towards mean and *unbiased* variance (divisor M - 1), after y is computed:
/// running = (1 - momentum) running + momentum batch. Evaluation uses the running statistics;
/// without track_running_stats there are none, and the batch is used then too.
///
/// Parameters weight, bias [C] (1 and 0; undefined without affine); buffers running_mean,
/// running_var [C] (0 and 1) and num_batches_tracked (int64). A batch with NaN or infinities leaves
/// them in the running statistics: see reset_running_stats().
///
/// Throws ShapeError for wrong dimensions or channels and, before anything changes, ValueError for
/// a training batch with one value per channel. An empty batch gives an empty result and leaves the
/// statistics as they are.
template <int Spatial>
class BatchNorm : public Layer<BatchNormOptions<Spatial>> {
 public:
  using Options = BatchNormOptions<Spatial>;
  explicit BatchNorm(const Options& options);
  explicit BatchNorm(int64_t num_features) : BatchNorm(Options{num_features}) {}
  Tensor forward(const Tensor& x) override;

  /// Normalizes with the running statistics and stops updating them, whatever the mode; a later
  /// train() does not undo it. Throws ValueError where statistics are not tracked.
  void freeze_statistics(bool on = true);
  bool has_frozen_statistics() const { return frozen_; }
  /// Running mean 0, variance 1, no batches tracked.
  void reset_running_stats();

  Tensor& weight;
  Tensor& bias;
  Tensor& running_mean;
  Tensor& running_var;
  Tensor& num_batches_tracked;

 private:
  void check_input(const Tensor& x) const;
  void update_statistics(const NormResult& batch, double values_per_channel);

  bool frozen_ = false;
};

extern template class BatchNorm<1>;
extern template class BatchNorm<2>;
extern template class BatchNorm<3>;
using BatchNorm1d = BatchNorm<1>;
using BatchNorm2d = BatchNorm<2>;
using BatchNorm3d = BatchNorm<3>;
using BatchNorm1dOptions = BatchNormOptions<1>;
using BatchNorm2dOptions = BatchNormOptions<2>;
using BatchNorm3dOptions = BatchNormOptions<3>;

}  // namespace gradus::nn
