// The base of optimizers: parameters in groups, state by name.
#pragma once

#include <cstdint>
#include <functional>
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
  NamedTensors parameters = {};             ///< each belongs to one group, once
  std::optional<double> lr = {};            ///< learning rate
  std::optional<double> weight_decay = {};  ///< L2, or decoupled in AdamW and Lion
  std::optional<double> momentum = {};      ///< beta1 where the optimizer has betas
  std::optional<double> l1_decay = {};      ///< not in AdamW and Lion
};

/// Two groups, in this order: parameters for which `decays` is true, with `weight_decay`, and the
/// others, which do not decay. Either may be empty. nn::decays(net) spares biases and norm layers.
///
///     optim::AdamW adamw(optim::decay_groups(net.named_parameters(), 0.05, nn::decays(net)),
///                        {.lr = 1e-3});
std::vector<ParameterGroup> decay_groups(const NamedTensors& parameters, double weight_decay,
                                         const std::function<bool(const NamedTensor&)>& decays);

/// What may differ between groups, and change during training.
struct GroupSettings {
  double lr = 0;            ///< learning rate; at least 0
  double weight_decay = 0;  ///< L2, or decoupled in AdamW and Lion; at least 0
  double momentum = 0;      ///< beta1 where the optimizer has betas
  double l1_decay = 0;      ///< at least 0; not in AdamW and Lion
};

/// Changes parameters along their gradients.
///
/// Runs under NoGrad and never writes into gradients. A parameter without gradient, or one that
/// asks for none (requires_grad_(false)), is passed over, and its state stays as it is. State is
/// kept under the name of the parameter. The constructors throw ValueError for no parameters at
/// all, a parameter or a name given twice, settings that make no sense; DTypeError for parameters
/// that are not floating.
class Optimizer {
 public:
  virtual ~Optimizer();
  Optimizer(const Optimizer&) = delete;
  Optimizer& operator=(const Optimizer&) = delete;

  /// One update of all parameters that have a gradient and ask for one. Throws ValueError where a
  /// gradient or state does not have shape and type of its parameter, Error where there is no
  /// memory for the state; then nothing is changed. Where no parameter is updated, says so on the
  /// standard error stream, once for each optimizer.
  void step();
  /// Clears the gradients of all parameters.
  void zero_grad();

  /// "SGD", "Adam" ...: the name in errors.
  const std::string& type() const { return kind_.type; }
  /// Whether GroupSettings::momentum means anything and may be changed.
  bool has_momentum() const { return kind_.has_momentum; }

  size_t group_count() const { return groups_.size(); }
  /// Throw IndexError where there is no such group, ValueError for settings that make no sense.
  const GroupSettings& settings(size_t group = 0) const;
  void set_settings(size_t group, const GroupSettings& settings);
  /// Of all groups at once: either all are changed or, where an error is thrown, none.
  const std::vector<GroupSettings>& all_settings() const { return groups_; }
  void set_all_settings(const std::vector<GroupSettings>& settings);
  double lr(size_t group = 0) const { return settings(group).lr; }
  /// For all groups.
  void set_lr(double lr);

  /// Copies of all state: "<parameter>.step" (int64), "<parameter>.<state>" with PyTorch's names
  /// (momentum_buffer, exp_avg, exp_avg_sq ...) for parameters that were updated, and the settings
  /// of the groups, "param_groups.lr", ".weight_decay", ".momentum", ".l1_decay" (float64).
  NamedTensors state_dict() const;
  /// Goes on from such a state. Throws one ValueError that lists everything that does not fit, and
  /// then changes nothing.
  void load_state_dict(const NamedTensors& state);

 protected:
  /// A tensor that is kept for each parameter.
  struct StateSpec {
    std::string name;
    double initial = 0;   ///< of all elements, before the first step
    bool scalar = false;  ///< one number (float64) rather than one per element
  };
  /// What tells optimizers apart as far as this class is concerned.
  struct Kind {
    std::string type;
    std::vector<StateSpec> states = {};
    bool has_momentum = true;
    bool has_l1_decay = true;
  };
  /// One parameter with what the optimizer remembers about it.
  struct Entry {
    NamedTensor parameter;
    size_t group;
    int64_t steps = 0;
    std::vector<Tensor> state = {};  ///< none before the first step
  };

  Optimizer(Kind kind, const std::vector<ParameterGroup>& groups, const GroupSettings& defaults);
  /// Whether any group has momentum, where `otherwise` is that of groups that do not say.
  static bool any_momentum(const std::vector<ParameterGroup>& groups, double otherwise);

  /// Updates one parameter; entry.steps counts this update already.
  virtual void update(Entry& entry, const Tensor& gradient, const GroupSettings& settings) = 0;
  /// Throws ValueError for settings that make no sense. Constructors call check_groups().
  virtual void check(const GroupSettings& settings) const;
  void check_groups() const;
  /// Throw ValueError in the name of this optimizer unless `ok`, unless a value is finite and not
  /// negative, unless both betas are in [0, 1).
  void require(bool ok, const char* option, double value, const char* range,
               const char* hint) const;
  void require_not_negative(const char* option, double value, const char* hint = "0 is none") const;
  void require_eps(double eps) const;
  void require_betas(double beta1, double beta2) const;

 private:
  struct Seen;

  void add(const NamedTensor& parameter, size_t group, Seen& seen);
  Tensor initial_state(const Entry& entry, const StateSpec& spec) const;
  void check_fits(const Entry& entry, const Tensor& gradient) const;
  void warn_of_nothing();

  Kind kind_;
  std::vector<GroupSettings> groups_;
  std::vector<Entry> entries_;
  bool warned_ = false;
};

}  // namespace gradus::optim
