#include "optimizer.h"

#include <algorithm>
#include <cmath>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "../core/base/error.h"
#include "../core/base/warning.h"
#include "../core/ops.h"
#include "../core/tape.h"
#include "state_loader.h"

namespace gradus::optim {

// --- Building ---

std::vector<ParameterGroup> decay_groups(const NamedTensors& parameters, double weight_decay,
                                         const std::function<bool(const NamedTensor&)>& decays) {
  ParameterGroup decaying{.weight_decay = weight_decay};
  ParameterGroup others{.weight_decay = 0, .l1_decay = 0};
  for (const NamedTensor& parameter : parameters) {
    (decays(parameter) ? decaying : others).parameters.push_back(parameter);
  }
  return {std::move(decaying), std::move(others)};
}

/// What was added so far, while parameters are collected.
struct Optimizer::Seen {
  std::unordered_map<const void*, std::string> tensors;  // and under which name
  std::unordered_set<std::string> names;
};

Optimizer::Optimizer(Kind kind, const std::vector<ParameterGroup>& groups,
                     const GroupSettings& defaults)
    : kind_(std::move(kind)) {
  Seen seen;
  for (const ParameterGroup& group : groups) {
    for (const NamedTensor& parameter : group.parameters) add(parameter, groups_.size(), seen);
    groups_.push_back({.lr = group.lr.value_or(defaults.lr),
                       .weight_decay = group.weight_decay.value_or(defaults.weight_decay),
                       .momentum = group.momentum.value_or(defaults.momentum),
                       .l1_decay = group.l1_decay.value_or(defaults.l1_decay)});
  }
  if (entries_.empty()) {
    throw ValueError(kind_.type, "no parameters to optimize",
                     "pass net.named_parameters(); a net of your own knows its layers where they "
                     "are registered: nn::Linear& head = child<nn::Linear>(\"head\", 8, 2), not a "
                     "plain member");
  }
}

Optimizer::~Optimizer() = default;

bool Optimizer::any_momentum(const std::vector<ParameterGroup>& groups, double otherwise) {
  return std::any_of(groups.begin(), groups.end(), [&](const ParameterGroup& group) {
    return group.momentum.value_or(otherwise) != 0;
  });
}

void Optimizer::add(const NamedTensor& parameter, size_t group, Seen& seen) {
  const auto& [name, tensor] = parameter;
  if (!tensor.defined()) {
    throw ValueError(kind_.type, str("parameter ", name, " is undefined"),
                     "pass module.named_parameters()");
  }
  if (!is_floating(tensor.dtype())) {
    throw DTypeError(kind_.type,
                     str("parameter ", name, " is ", tensor.dtype(), " ", tensor.shape()),
                     "only float32 and float64 parameters can be optimized");
  }
  if (tensor.tape_slot().tape != 0) {
    throw ValueError(kind_.type,
                     str("parameter ", name, " ", tensor.shape(), " was computed by a tape"),
                     "optimize the tensor that it was computed from");
  }
  if (!tensor.is_contiguous()) {
    throw ValueError(kind_.type,
                     str("parameter ", name, " ", tensor.shape(), " is not in row-major order"),
                     "contiguous() makes a copy that is");
  }
  const auto [first, is_new] = seen.tensors.emplace(tensor.id(), name);
  if (!is_new) {
    throw ValueError(kind_.type, str("parameter ", name, " was given before as ", first->second),
                     "each parameter belongs to one group, once");
  }
  if (!seen.names.insert(name).second) {
    throw ValueError(kind_.type, str("two parameters are named ", name),
                     "state is kept by name; give each its own");
  }
  entries_.push_back({.parameter = parameter, .group = group});
}

void Optimizer::require(bool ok, const char* option, double value, const char* range,
                        const char* hint) const {
  if (!ok) throw ValueError(kind_.type, str(option, " must be ", range, ", got ", value), hint);
}

void Optimizer::require_not_negative(const char* option, double value, const char* hint) const {
  require(value >= 0 && std::isfinite(value), option, value, "a number of at least 0", hint);
}

void Optimizer::require_eps(double eps) const {
  require_not_negative("eps", eps, "it keeps the divisor from 0; 1e-8 is usual");
}

void Optimizer::require_betas(double beta1, double beta2) const {
  constexpr const char* hint =
      "it is the share of the average that a step keeps; 0.9 and more are usual";
  require(beta1 >= 0 && beta1 < 1, "betas[0]", beta1, "in [0, 1)", hint);
  require(beta2 >= 0 && beta2 < 1, "betas[1]", beta2, "in [0, 1)", hint);
}

void Optimizer::check(const GroupSettings& s) const {
  require_not_negative("lr", s.lr,
                       s.lr < 0 ? "to go up the gradient, set maximize = true"
                                : "1e-3 is usual for Adam, 0.1 for SGD");
  require_not_negative("weight_decay", s.weight_decay);
  require_not_negative("l1_decay", s.l1_decay);
  if (s.l1_decay != 0 && !kind_.has_l1_decay) {
    throw ValueError(kind_.type, str("has no l1_decay, cannot set it to ", s.l1_decay),
                     "its weight decay does not pass through the gradient");
  }
  if (s.momentum != 0 && !kind_.has_momentum) {
    throw ValueError(kind_.type, str("was built without momentum, cannot set it to ", s.momentum),
                     "SGD and RMSprop have one where it was given when building them");
  }
}

void Optimizer::check_groups() const {
  for (const GroupSettings& group : groups_) check(group);
}

// --- Settings ---

const GroupSettings& Optimizer::settings(size_t group) const {
  if (group < groups_.size()) return groups_[group];
  throw IndexError(kind_.type, str("no group ", group, ", there are ", groups_.size()),
                   "groups are numbered from 0");
}

void Optimizer::set_settings(size_t group, const GroupSettings& settings) {
  this->settings(group);
  check(settings);
  groups_[group] = settings;
}

void Optimizer::set_all_settings(const std::vector<GroupSettings>& settings) {
  if (settings.size() != groups_.size()) {
    throw ValueError(
        kind_.type,
        str("got settings for ", settings.size(), " groups, there are ", groups_.size()),
        "one per group, in their order");
  }
  for (const GroupSettings& group : settings) check(group);
  groups_ = settings;
}

void Optimizer::set_lr(double lr) {
  std::vector<GroupSettings> changed = groups_;
  for (GroupSettings& group : changed) group.lr = lr;
  set_all_settings(changed);
}

// --- Stepping ---

Tensor Optimizer::initial_state(const Entry& entry, const StateSpec& spec) const {
  const Tensor& parameter = entry.parameter.tensor;
  if (spec.scalar) return full({}, spec.initial, float64);
  return full(parameter.shape(), spec.initial, parameter.dtype());
}

/// A parameter may have been converted since its gradient or its state was made.
void Optimizer::check_fits(const Entry& entry, const Tensor& gradient) const {
  const auto& [name, parameter] = entry.parameter;
  const auto check = [&, &name = name, &parameter = parameter](
                         const std::string& what, const Tensor& tensor, const char* hint) {
    if (tensor.dtype() == parameter.dtype() && tensor.shape() == parameter.shape()) return;
    const std::string shape =
        tensor.shape() == parameter.shape() ? "" : " " + tensor.shape().to_string();
    throw ValueError(kind_.type,
                     str("parameter ", name, " is ", parameter.dtype(), " ", parameter.shape(),
                         ", its ", what, " ", tensor.dtype(), shape),
                     hint);
  };
  check("gradient", gradient, "clear gradients with zero_grad() after converting parameters");
  for (size_t i = 0; i < entry.state.size(); ++i) {
    if (kind_.states[i].scalar) continue;
    check("state " + kind_.states[i].name, entry.state[i],
          "convert parameters before the first step, or build a new optimizer");
  }
}

void Optimizer::step() {
  const NoGrad pause;
  struct Update {
    Entry* entry;
    Tensor gradient;
    std::vector<Tensor> new_state = {};
  };
  // Everything that may fail comes first: then all parameters change, or none.
  std::vector<Update> updates;
  for (Entry& entry : entries_) {
    const Tensor& parameter = entry.parameter.tensor;
    Update next{&entry, parameter.grad()};
    if (!next.gradient.defined() || !parameter.requires_grad()) continue;
    check_fits(entry, next.gradient);
    for (size_t i = entry.state.size(); i < kind_.states.size(); ++i) {
      next.new_state.push_back(initial_state(entry, kind_.states[i]));
    }
    updates.push_back(std::move(next));
  }
  if (updates.empty()) warn_of_nothing();
  for (Update& next : updates) {
    Entry& entry = *next.entry;
    for (Tensor& state : next.new_state) entry.state.push_back(std::move(state));
    ++entry.steps;
    update(entry, next.gradient, groups_[entry.group]);
  }
}

void Optimizer::warn_of_nothing() {
  if (std::exchange(warned_, true)) return;
  const auto without = std::count_if(entries_.begin(), entries_.end(), [](const Entry& entry) {
    return !entry.parameter.tensor.grad().defined();
  });
  const auto frozen = static_cast<std::ptrdiff_t>(entries_.size()) - without;
  std::string reason = str(without, " of ", entries_.size(), " parameters have no gradient");
  if (frozen > 0) reason += str(", ", frozen, frozen == 1 ? " does" : " do", " not ask for one");
  warn(kind_.type, "step() changed nothing: " + reason,
       "backward() comes before step(), zero_grad() after it; requires_grad_() sets a frozen "
       "parameter free");
}

void Optimizer::zero_grad() {
  for (Entry& entry : entries_) entry.parameter.tensor.set_grad({});
}

// --- Saving and loading ---

namespace {

struct Field {
  const char* name;
  double GroupSettings::*member;
};
constexpr Field setting_fields[] = {{"param_groups.lr", &GroupSettings::lr},
                                    {"param_groups.weight_decay", &GroupSettings::weight_decay},
                                    {"param_groups.momentum", &GroupSettings::momentum},
                                    {"param_groups.l1_decay", &GroupSettings::l1_decay}};

std::string step_name(const NamedTensor& parameter) {
  return parameter.name + ".step";
}

}  // namespace

NamedTensors Optimizer::state_dict() const {
  NamedTensors result;
  for (const Field& field : setting_fields) {
    std::vector<double> values;
    for (const GroupSettings& group : groups_) values.push_back(group.*field.member);
    result.push_back({field.name, tensor(values, {static_cast<int64_t>(values.size())})});
  }
  for (const Entry& entry : entries_) {
    if (entry.steps == 0) continue;
    result.push_back({step_name(entry.parameter), tensor({entry.steps}, {})});
    for (size_t i = 0; i < entry.state.size(); ++i) {
      result.push_back({entry.parameter.name + "." + kind_.states[i].name, entry.state[i].clone()});
    }
  }
  return result;
}

void Optimizer::load_state_dict(const NamedTensors& state) {
  StateLoader loader(state);
  std::vector<GroupSettings> groups = groups_;
  for (const Field& field : setting_fields) {
    const Tensor values = loader.take(field.name, {static_cast<int64_t>(groups.size())}, float64);
    if (!values.defined()) continue;
    const std::vector<double> numbers = values.to_vector<double>();
    for (size_t i = 0; i < groups.size(); ++i) groups[i].*field.member = numbers[i];
  }
  std::vector<Entry> entries = entries_;
  for (Entry& entry : entries) {
    entry.steps = 0;
    entry.state.clear();
    const std::string step = step_name(entry.parameter);
    if (!loader.has(step)) continue;  // was never updated
    entry.steps = loader.take_count(step, 0);
    for (const StateSpec& spec : kind_.states) {
      const Tensor& parameter = entry.parameter.tensor;
      const Tensor t = loader.take(entry.parameter.name + "." + spec.name,
                                   spec.scalar ? Shape() : parameter.shape(),
                                   spec.scalar ? float64 : parameter.dtype());
      if (t.defined()) entry.state.push_back(t.clone());
    }
  }
  loader.finish(kind_.type,
                "it must come from an optimizer of the same kind, parameters and groups");
  for (const GroupSettings& group : groups) check(group);
  groups_ = std::move(groups);
  entries_ = std::move(entries);
}

}  // namespace gradus::optim
