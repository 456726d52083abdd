// What a Loop records of a run besides metrics.jsonl.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "../datasets/dataset.h"
#include "../nn/module.h"
#include "../optim/optimizer.h"
#include "layer_log.h"
#include "run_folder.h"
#include "step_log.h"

namespace gradus::training {

/// Writes steps.jsonl (see StepLog), layers.jsonl (see LayerLog) and processes.jsonl: a line for
/// each process that trained, with the step it began after, the time, the version of the library,
/// processor, instruction set, BLAS, threads, and the commit of the working folder if that is in a
/// git repository. The random numbers and bits of the training are the same with it.
class Recorder {
 public:
  void watch(const std::string& name, nn::Module& net) { layers_.watch(name, net); }
  void watch(const std::string& name, const optim::Optimizer& optimizer) {
    optimizers_.emplace_back(name, &optimizer);
  }

  /// A new run, or one that continues after `step` steps and `epoch` epochs with the text that
  /// steps() gave then. `probe` applies the nets to a batch.
  void begin(const RunFolder& folder, int64_t epoch, int64_t step, const std::string& steps,
             const data::Dataset& dataset, std::function<void(const data::Batch&)> probe);
  /// Around a step; `is_last`: of its epoch.
  /// @{
  void begin_step(bool is_last);
  void see_gradients();
  void end_step(int64_t step, Values values);
  /// @}
  void end_epoch(const RunFolder& folder, int64_t epoch, int64_t step);
  /// The steps so far, as the lines of steps.jsonl.
  std::string steps() const { return steps_.to_jsonl(); }

 private:
  std::vector<std::pair<std::string, const optim::Optimizer*>> optimizers_;
  StepLog steps_;
  LayerLog layers_;
  Values rates_;  // of learning, in this step
  data::Batch batch_;
  std::function<void(const data::Batch&)> probe_;
  bool is_on_ = false, sees_layers_ = false;
};

}  // namespace gradus::training
