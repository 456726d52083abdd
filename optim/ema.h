// Moving averages of weights, which often generalize better than the weights themselves.
#pragma once

#include <cstdint>
#include <vector>

#include "../core/tensor.h"

namespace gradus {

/// average += share (value - average), in place. Both have the same shape and floating-point type,
/// and the average is in row-major order, else ShapeError, DTypeError or ValueError is thrown and
/// nothing is written; a value that overlaps with the average is read before it. Throws TapeError
/// for an average that a recording tape tracks: open a NoGrad scope.
void average_update_(Tensor& average, const Tensor& value, double share);

}  // namespace gradus

namespace gradus::optim {

/// Options of EMA.
struct EMAOptions {
  double decay = 0.999;  ///< in [0, 1]: the average remembers about 1 / (1 - decay) updates
  /// Start with a short memory: the decay of update t (from 1) is min(decay, (1 + t) / (10 + t)).
  bool warmup = false;
  /// Tensors that are not parameters. Floating-point ones are averaged, others (counters) copied.
  /// Buffers that are not given, such as running statistics by default, always stay the net's own;
  /// they then belong to weights that are not averaged, see nn::recompute_statistics.
  NamedTensors buffers = {};
};

/// An exponential moving average, average += (1 - decay) (value - average), that starts at the
/// values of the parameters (Polyak and Juditsky, 1992; Tarvainen and Valpola, arXiv 1703.01780).
///
///     optim::EMA ema(net.named_parameters(), {.decay = 0.999});
///     ...
///     adam.step();
///     ema.update();
///     ...
///     {
///       const optim::EMAScope averaged(ema);  // the net has the averages ...
///       test(net);
///     }                                       // ... and its own weights again
class EMA {
 public:
  /// Throws ValueError for a decay outside [0, 1], undefined tensors, a name given twice, or
  /// tensors that are not in row-major order.
  explicit EMA(const NamedTensors& parameters, const EMAOptions& options = {});

  /// Updates the averages with the current values.
  void update();
  int64_t updates() const { return updates_; }

  /// Copies the averages into the tensors of `targets` that have their names, those of another net
  /// for example. Throws one ValueError that lists every name that is missing and every shape or
  /// type that differs, and then changes nothing.
  void copy_to(const NamedTensors& targets) const;

  /// Copies of the averages under the names of the tensors, which a net can load, then
  /// "ema.updates" (int64).
  NamedTensors state_dict() const;
  /// Resumes from such a state. Throws one ValueError that lists everything that does not fit, and
  /// then changes nothing.
  void load_state_dict(const NamedTensors& state);

 private:
  friend class EMAScope;

  EMAOptions options_;
  NamedTensors sources_;          ///< the tensors being averaged
  std::vector<Tensor> averages_;  ///< one for each
  int64_t updates_ = 0;
};

/// During its lifetime, the tensors that an EMA averages hold their averages; then values and type
/// are restored, which allocates nothing. The EMA must outlive it.
class EMAScope {
 public:
  explicit EMAScope(const EMA& ema);
  ~EMAScope();
  EMAScope(const EMAScope&) = delete;
  EMAScope& operator=(const EMAScope&) = delete;

 private:
  NamedTensors sources_;
  std::vector<Tensor> own_;  ///< values to restore
};

}  // namespace gradus::optim
