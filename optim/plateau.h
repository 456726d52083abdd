// A learning rate that falls when a metric stops improving.
#pragma once

#include "schedule.h"

namespace gradus::optim {

/// Whether lower or higher metrics are better.
enum class PlateauMode { min, max };
/// Whether PlateauOptions::threshold is a fraction of the best metric or an amount.
enum class ThresholdMode { relative, absolute };

/// Options of ReduceLROnPlateau: PyTorch's names and defaults.
struct PlateauOptions {
  PlateauMode mode = PlateauMode::min;  ///< min for losses, max for accuracies
  double factor = 0.1;                  ///< of the rate at each reduction, in [0, 1)
  int64_t patience = 10;                ///< tolerated steps without progress; at least 0
  /// What counts as better: by this fraction of the magnitude of the best, or by this amount.
  double threshold = 1e-4;
  ThresholdMode threshold_mode = ThresholdMode::relative;  ///< a fraction of the best, or an amount
  int64_t cooldown = 0;  ///< steps after a reduction that do not count; at least 0
  PerGroup min_lr = 0;   ///< no rate goes below; at least 0
  double eps = 1e-8;     ///< smaller changes are skipped; at least 0
};

/// Multiplies the rate of every group by `factor`, but not below min_lr, when a metric has not
/// improved for more than `patience` steps in a row; after that, `cooldown` steps do not count. A
/// change of eps or less is skipped. A NaN is never better. It changes the current rates, whoever
/// set them. The optimizer must outlive it.
///
/// As torch.optim.lr_scheduler.ReduceLROnPlateau except for metrics below zero with a relative
/// threshold t. There, with mode min, a metric is better below best (1 - t), which for a best of
/// -10 is above it: worse metrics count as progress and the rate never falls. Here it is better
/// below best - t |best|, which for a positive best is the same.
class ReduceLROnPlateau {
 public:
  /// Throws ValueError for invalid options.
  explicit ReduceLROnPlateau(Optimizer& optimizer, const PlateauOptions& options = {});

  /// Call it after each epoch, or whenever the metric has been measured.
  void step(double metric);

  double best() const { return best_; }
  int64_t num_bad_epochs() const { return num_bad_epochs_; }

  /// "best" (float64), "num_bad_epochs" and "cooldown_counter" (int64). The rates themselves are
  /// part of the optimizer's state.
  NamedTensors state_dict() const;
  /// Throws one ValueError that lists everything that does not fit, and then changes nothing.
  void load_state_dict(const NamedTensors& state);

 private:
  bool is_better(double metric) const;
  void reduce();

  Optimizer* optimizer_;
  PlateauOptions options_;
  double best_;
  int64_t num_bad_epochs_ = 0;
  int64_t cooldown_counter_ = 0;
};

}  // namespace gradus::optim
