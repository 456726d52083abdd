// The base of optimizers: parameters in groups, state by name.
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <vector>

#include "../core/tensor.h"

namespace gradus::optim {

/// Parameters with their own settings; those not given are taken from the options of the optimizer.
///
///     optim::SGD sgd({{.parameters = weights, .weight_decay = 1e-4}, {.parameters = biases}},
///                    {.lr = 0.1, .momentum = 0.9});
struct ParameterGroup {
  NamedTensors parameters = {};             ///< each belongs to one group, once
  std::optional<double> lr = {};            ///< learning rate
  std::optional<double> weight_decay = {};  ///< L2, or decoupled in AdamW and Lion
  std::optional<double> momentum = {};      ///< beta1 if the optimizer has betas
  std::optional<double> l1_decay = {};      ///< not in AdamW and Lion
};

/// The argument of an optimizer: groups, or parameters that form one.
struct ParameterGroups : std::vector<ParameterGroup> {
  using vector::vector;
  ParameterGroups(const std::vector<ParameterGroup>& groups) : vector(groups) {}
  ParameterGroups(const std::vector<NamedTensor>& parameters)
      : vector{{NamedTensors(parameters)}} {}
  ParameterGroups(std::initializer_list<NamedTensor> parameters) : vector{{parameters}} {}
};

/// Two groups, in this order: parameters for which `decays` is true, with `weight_decay`, and the
/// others, which do not decay. Either may be empty. nn::decays(net) exempts biases and norm layers.
///
///     optim::AdamW adamw(optim::decay_groups(net.named_parameters(), 0.05, nn::decays(net)),
///                        {.lr = 1e-3});
std::vector<ParameterGroup> decay_groups(const NamedTensors& parameters, double weight_decay,
                                         const std::function<bool(const NamedTensor&)>& decays);

/// What may differ between groups, and change during training.
struct GroupSettings {
  double lr = 0;            ///< learning rate; at least 0
  double weight_decay = 0;  ///< L2, or decoupled in AdamW and Lion; at least 0
  double momentum = 0;      ///< beta1 if the optimizer has betas
  double l1_decay = 0;      ///< at least 0; not in AdamW and Lion
};

/// A tensor that is kept for each parameter.
struct StateSpec {
  std::string name;
  double initial = 0;     ///< of all elements, before the first step
  bool scalar = false;    ///< one number (float64) rather than one per element
  bool kept = true;       ///< whether the optimizer, with its options, uses it
  bool momentum = false;  ///< kept if any group has momentum
};

/// Changes parameters along their gradients.
///
/// Runs under NoGrad and never writes into gradients. A parameter without gradient, or one that
/// asks for none (requires_grad_(false)), is skipped, and its state stays as it is. State is
/// kept under the name of the parameter. The constructors throw ValueError for no parameters at
/// all, a parameter or a name given twice, invalid settings; DTypeError for parameters
/// that are not floating.
class Optimizer {
 public:
  virtual ~Optimizer();
  Optimizer(const Optimizer&) = delete;
  Optimizer& operator=(const Optimizer&) = delete;

  /// One update of all parameters that have a gradient and ask for one. Throws ValueError if a
  /// gradient or state does not have shape and type of its parameter, Error if there is no
  /// memory for the state; then nothing is changed. If no parameter is updated, says so on standard
  /// error, once for each optimizer.
  void step();
  /// Clears the gradients of all parameters.
  void zero_grad();

  /// "SGD", "Adam" ...: the name in errors.
  const std::string& type() const { return kind_.type; }
  /// Whether GroupSettings::momentum means anything and may be changed.
  bool has_momentum() const { return kind_.has_momentum; }

  size_t group_count() const { return groups_.size(); }
  /// Throw IndexError if there is no such group, ValueError for invalid settings.
  const GroupSettings& settings(size_t group = 0) const;
  void set_settings(size_t group, const GroupSettings& settings);
  /// Of all groups at once: either all are changed or, if an error is thrown, none.
  const std::vector<GroupSettings>& all_settings() const { return groups_; }
  void set_all_settings(const std::vector<GroupSettings>& settings);
  double lr(size_t group = 0) const { return settings(group).lr; }
  /// For all groups.
  void set_lr(double lr);

  /// Copies of all state: "<parameter>.step" (int64), "<parameter>.<state>" with PyTorch's names
  /// (momentum_buffer, exp_avg, exp_avg_sq ...) for parameters that were updated, and the settings
  /// of the groups, "param_groups.lr", ".weight_decay", ".momentum", ".l1_decay" (float64).
  NamedTensors state_dict() const;
  /// Resumes from such a state. Throws one ValueError that lists everything that does not fit, and
  /// then changes nothing.
  void load_state_dict(const NamedTensors& state);

 protected:
  using StateSpec = optim::StateSpec;
  /// What distinguishes optimizers as far as this class is concerned.
  struct Kind {
    std::string type;
    std::vector<StateSpec> states = {};
    bool has_momentum = true;
    bool has_l1_decay = true;
  };
  /// One parameter with its state.
  struct Entry {
    NamedTensor parameter;
    size_t group;
    int64_t steps = 0;
    std::vector<Tensor> state = {};  ///< none before the first step; undefined if not kept
  };

  Optimizer(Kind kind, const ParameterGroups& groups, const GroupSettings& defaults);

  /// Updates one parameter; entry.steps already includes this update.
  virtual void update(Entry& entry, const Tensor& gradient, const GroupSettings& settings) = 0;
  /// Throws ValueError for invalid settings. Constructors call check_groups().
  virtual void check(const GroupSettings& settings) const;
  void check_groups() const;
  const std::vector<StateSpec>& states() const { return kind_.states; }

 private:
  void check_fits(const Entry& entry, const Tensor& gradient) const;
  void warn_of_nothing();

  Kind kind_;
  std::vector<GroupSettings> groups_;
  std::vector<Entry> entries_;
  bool warned_ = false;
};

/// The optimizers of the library: `Rule` (see rules_kernel.h) changes the elements. `Options` has
/// the name of the optimizer and the states that it keeps; lr, weight_decay, maximize, and any of
/// the others that rules.cpp knows by name. With betas, the momentum of a group is betas[0];
/// without l1_decay, weight decay is decoupled.
template <class Options, class Rule>
class RuleOptimizer : public Optimizer {
 public:
  explicit RuleOptimizer(const ParameterGroups& groups, const Options& options = {});

 protected:
  void update(Entry& entry, const Tensor& gradient, const GroupSettings& settings) override;
  void check(const GroupSettings& settings) const override;

 private:
  Options options_;
};

}  // namespace gradus::optim
