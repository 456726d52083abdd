// The base of optimizers: parameters in groups, state by name.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "../core/tensor.h"

namespace gradus::optim {

/// Parameters with settings of their own; what is not given is as in the options of the optimizer.
///
///     optim::SGD sgd({{.parameters = weights, .weight_decay = 1e-4}, {.parameters = biases}},
///                    {.lr = 0.1, .momentum = 0.9});
struct ParameterGroup {
  NamedTensors parameters;
  std::optional<double> lr = {};
  std::optional<double> weight_decay = {};
  std::optional<double> momentum = {};  ///< beta1 for Adam and AdamW
};

/// What may differ between groups, and change during training.
struct GroupSettings {
  double lr = 0;
  double weight_decay = 0;
  double momentum = 0;  ///< beta1 for Adam and AdamW
};

/// Changes parameters along their gradients.
///
/// Runs under NoGrad and never writes into gradients. A parameter without gradient is passed over,
/// and its state stays as it is. State is kept under the name of the parameter. The constructors
/// throw ValueError for no parameters at all, a parameter or a name given twice, settings that make
/// no sense; DTypeError for parameters that are not floating.
class Optimizer {
 public:
  virtual ~Optimizer();
  Optimizer(const Optimizer&) = delete;
  Optimizer& operator=(const Optimizer&) = delete;

  /// One update of all parameters that have a gradient.
  void step();
  /// Clears the gradients of all parameters.
  void zero_grad();

  size_t group_count() const { return groups_.size(); }
  /// Throw IndexError where there is no such group, ValueError for settings that make no sense.
  const GroupSettings& settings(size_t group = 0) const;
  void set_settings(size_t group, const GroupSettings& settings);
  double lr(size_t group = 0) const { return settings(group).lr; }
  /// For all groups.
  void set_lr(double lr);

  /// Copies of all state: "<parameter>.step" (int64), "<parameter>.<state>" with PyTorch's names
  /// (momentum_buffer, exp_avg, exp_avg_sq, max_exp_avg_sq) for parameters that were updated, and
  /// the settings of the groups, "param_groups.lr", ".weight_decay", ".momentum" (float64).
  NamedTensors state_dict() const;
  /// Goes on from such a state. Throws one ValueError that lists everything that does not fit, and
  /// then changes nothing.
  void load_state_dict(const NamedTensors& state);

 protected:
  /// One parameter with what the optimizer remembers about it.
  struct Entry {
    NamedTensor parameter;
    size_t group;
    int64_t steps = 0;
    std::vector<Tensor> state = {};  ///< undefined before the first step
  };

  /// `state_names` are those of the tensors that each parameter gets; they start as zeros.
  Optimizer(std::string type, const std::vector<ParameterGroup>& groups,
            const GroupSettings& defaults, std::vector<std::string> state_names);

  /// Updates one parameter; entry.steps counts this update already.
  virtual void update(Entry& entry, const Tensor& gradient, const GroupSettings& settings) = 0;
  /// Throws ValueError for settings that make no sense. Constructors call check_groups().
  virtual void check(const GroupSettings& settings) const;
  void check_groups() const;
  /// Throws ValueError in the name of this optimizer unless `ok`.
  void require(bool ok, const char* option, double value, const char* range) const;
  const std::string& type() const { return type_; }

 private:
  class StateLoader;

  void add(const NamedTensor& parameter, size_t group);

  std::string type_;
  std::vector<std::string> state_names_;
  std::vector<GroupSettings> groups_;
  std::vector<Entry> entries_;
};

}  // namespace gradus::optim
