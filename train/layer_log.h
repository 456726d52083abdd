// What the layers of a net are like after each epoch: weights, gradients, updates, activations.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "../nn/module.h"

namespace gradus::training {

/// Measures the layers of nets, once per epoch. A Loop with a folder has one, and appends its lines
/// to layers.jsonl:
///
///     {"epoch": 1, "step": 860, "peak_memory_mib": 310.5, "input": [1, 28, 28],
///      "samples": 128, "layers": [
///       {"name": "conv1", "type": "Conv2d",
///        "parameters": {"weight": {"numel": 800, "norm": 4.1, "gradient_norm": 0.2,
///          "update_norm": 0.004, "gradient_ratio": 0.05, "update_ratio": 0.001,
///          "histogram": {"low": -0.4, "high": 0.5, "counts": [2, 5, ...]}}},
///        "buffers": {"running_var": {"min": 0.1, "mean": 0.9, "max": 2}},
///        "output": {"shape": [32, 24, 24], "mean": 0.1, "std": 1, "min": -3, "max": 4,
///          "zeros": 0.5, "units": 32, "dead": 1, "histogram": {...}}}, ...]}
///
/// Norms are Euclidean. Gradients are those of the last step of the epoch, before clipping; the
/// update is what that step changed in the parameter; ratios are to the norm of the parameter after
/// it. Outputs are those of layers without layers of their own, in evaluation mode, for a batch
/// that stays the same; mean, std, zeros and histogram are those of its first 32 samples. Shapes
/// are those of one sample. A unit is a channel or feature (dimension 1; the last one of Linear,
/// Embedding and recurrent layers); it is dead if its output
/// does not depend on the input: the same everywhere, to 1e-6 of the largest output of the layer.
/// What cannot be measured is left out.
class LayerLog {
 public:
  static constexpr int64_t histogram_bins = 40;

  /// Adds a net. Several of them are told apart by their names: "generator.conv1".
  void watch(const std::string& name, nn::Module& net) { nets_.emplace_back(name, &net); }
  const std::vector<std::pair<std::string, nn::Module*>>& nets() const { return nets_; }

  /// "conv1.weight"; a path may be empty.
  static std::string joined(const std::string& path, const std::string& name);
  /// The name of a layer or a parameter of a net, as lines have it.
  std::string full_name(const std::string& net, const std::string& name) const;

  /// Around the last step of an epoch: before it, when the gradients are there, and after it.
  /// @{
  void begin_step();
  void see_gradients();
  void end_step();
  /// @}

  /// The line of an epoch, without its newline, and without gradients and updates unless a step was
  /// seen. `apply` runs the nets on the batch; its random numbers are not those of the training,
  /// and an Error that it throws only means that no outputs are known.
  std::string line(int64_t epoch, int64_t step, const std::function<void()>& apply);

 private:
  /// A parameter in the step that is seen.
  struct Seen {
    std::string name;
    Tensor parameter, before;
    std::optional<double> gradient_norm, update_norm;
  };

  std::vector<std::pair<std::string, nn::Module*>> nets_;
  std::vector<Seen> seen_;
};

}  // namespace gradus::training
