// What a Loop records of a run besides metrics.jsonl.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "../datasets/dataset.h"
#include "../nn/module.h"
#include "../optim/optimizer.h"
#include "event_writer.h"
#include "layer_log.h"
#include "run_folder.h"
#include "step_log.h"

namespace gradus::training {

/// What a Recorder writes to.
struct RecorderOptions {
  const RunFolder* folder = nullptr;       ///< none: no files of a run
  std::filesystem::path tensorboard = {};  ///< a folder for event files; empty: none
  /// Applies the nets to a batch; empty: a single net is called on its x.
  std::function<void(const data::Batch&)> probe = {};
};

/// Where a run is when a process starts or continues it.
struct RunStart {
  int64_t epoch = 0, step = 0;  ///< finished
  std::string steps = {};       ///< what Recorder::steps() gave then
  std::string config = "{}";    ///< of the run, JSON
};

/// Writes steps.jsonl (see StepLog), layers.jsonl (see LayerLog) and processes.jsonl: a line for
/// each process that trained, with the step it began after, the time, the version of the library,
/// processor, instruction set, threads, and the commit of the working folder if that is in a
/// git repository. And event files for TensorBoard: values of each step and epoch, norms of
/// gradients, ratios of updates, histograms of weights, the configuration. The random numbers and
/// bits of the training are the same with it.
class Recorder {
 public:
  void watch(const std::string& name, nn::Module& net) { layers_.watch(name, net); }
  void watch(const std::string& name, const optim::Optimizer& optimizer) {
    optimizers_.emplace_back(name, &optimizer);
  }

  /// Until then, nothing is recorded. Throws IoError.
  void begin(const data::Dataset& dataset, const RunStart& start, RecorderOptions options);
  /// Around a step; `is_last`: of its epoch.
  /// @{
  void begin_step(bool is_last);
  void see_gradients();
  void end_step(int64_t step, Values values);
  /// @}
  /// `values` are the results of the epoch: "train_loss", "test_accuracy" ...
  void end_epoch(int64_t epoch, int64_t step, const Values& values);
  /// Writes events to disk: right before a checkpoint, so that none is doubled after it.
  void flush();
  /// The steps so far, as the lines of steps.jsonl.
  std::string steps() const { return steps_.to_jsonl(); }
  /// The event file; nullptr if there is none.
  EventWriter* events() { return events_ ? &*events_ : nullptr; }

 private:
  void record_layers(int64_t epoch, int64_t step);
  bool is_on() const { return options_.folder != nullptr || events_; }

  RecorderOptions options_;
  std::vector<std::pair<std::string, const optim::Optimizer*>> optimizers_;
  StepLog steps_;
  LayerLog layers_;
  std::optional<EventWriter> events_;
  Values rates_;  // of learning, in this step
  data::Batch batch_;
  bool sees_layers_ = false;
};

}  // namespace gradus::training
