#include "optimizer.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "../core/base/error.h"
#include "../core/base/warning.h"
#include "../core/io/state_loader.h"
#include "../core/ops.h"
#include "../core/tape.h"
#include "option_range.h"

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

Optimizer::Optimizer(Kind kind, const ParameterGroups& groups, const GroupSettings& defaults)
    : kind_(std::move(kind)) {
  for (StateSpec& spec : kind_.states) spec.kept = spec.kept && (has_momentum() || !spec.momentum);
  std::unordered_map<const void*, std::string> seen;  // tensors, and under which name
  std::unordered_set<std::string> names;
  for (const ParameterGroup& group : groups) {
    for (const auto& [name, tensor] : group.parameters) {
      require(tensor.defined(), type(), "pass module.named_parameters()", "parameter ", name,
              " is undefined");
      require<DTypeError>(is_floating(tensor.dtype()), type(),
                          "only float32 and float64 parameters can be optimized", "parameter ",
                          name, " is ", tensor.dtype(), " ", tensor.shape());
      require(tensor.tape_slot().tape == 0, type(), "optimize the tensor that it was computed from",
              "parameter ", name, " ", tensor.shape(), " was computed by a tape");
      require(tensor.is_contiguous(), type(), "contiguous() makes a copy that is", "parameter ",
              name, " ", tensor.shape(), " is not in row-major order");
      const auto [first, is_new] = seen.emplace(tensor.id(), name);
      require(is_new, type(), "each parameter belongs to one group, once", "parameter ", name,
              " was given before as ", first->second);
      require(names.insert(name).second, type(), "state is kept by name; give each its own",
              "two parameters are named ", name);
      entries_.push_back({.parameter = {name, tensor}, .group = groups_.size()});
    }
    groups_.push_back({.lr = group.lr.value_or(defaults.lr),
                       .weight_decay = group.weight_decay.value_or(defaults.weight_decay),
                       .momentum = group.momentum.value_or(defaults.momentum),
                       .l1_decay = group.l1_decay.value_or(defaults.l1_decay)});
  }
  require(!entries_.empty(), type(),
          "pass net.named_parameters(); a net of your own knows its layers where they are "
          "registered: nn::Linear& head = child<nn::Linear>(\"head\", 8, 2), not a plain member",
          "no parameters to optimize");
}

Optimizer::~Optimizer() = default;

// --- Settings ---

void Optimizer::check(const GroupSettings& s) const {
  check_option(type(), "lr", s.lr, not_negative,
               s.lr < 0 ? "to go up the gradient, set maximize = true"
                        : "1e-3 is usual for Adam, 0.1 for SGD");
  check_option(type(), "weight_decay", s.weight_decay, not_negative);
  check_option(type(), "l1_decay", s.l1_decay, not_negative);
  require(s.l1_decay == 0 || kind_.has_l1_decay, type(),
          "its weight decay does not pass through the gradient",
          "has no l1_decay, cannot set it to ", s.l1_decay);
  require(s.momentum == 0 || kind_.has_momentum, type(),
          "SGD and RMSprop have one where it was given when building them",
          "was built without momentum, cannot set it to ", s.momentum);
}

void Optimizer::check_groups() const {
  for (const GroupSettings& group : groups_) check(group);
}

const GroupSettings& Optimizer::settings(size_t group) const {
  require<IndexError>(group < groups_.size(), type(), "groups are numbered from 0", "no group ",
                      group, ", there are ", groups_.size());
  return groups_[group];
}

void Optimizer::set_settings(size_t group, const GroupSettings& settings) {
  this->settings(group);
  check(settings);
  groups_[group] = settings;
}

void Optimizer::set_all_settings(const std::vector<GroupSettings>& settings) {
  require(settings.size() == groups_.size(), type(), "one per group, in their order",
          "got settings for ", settings.size(), " groups, there are ", groups_.size());
  for (const GroupSettings& group : settings) check(group);
  groups_ = settings;
}

void Optimizer::set_lr(double lr) {
  std::vector<GroupSettings> changed = groups_;
  for (GroupSettings& group : changed) group.lr = lr;
  set_all_settings(changed);
}

// --- Stepping ---

/// A parameter may have been converted since its gradient or its state was made.
void Optimizer::check_fits(const Entry& entry, const Tensor& gradient) const {
  const auto& [name, parameter] = entry.parameter;
  const auto check = [&, &name = name, &parameter = parameter](
                         const char* what, const std::string& state, const Tensor& tensor,
                         const char* hint) {
    const bool same_shape = tensor.shape() == parameter.shape();
    require(same_shape && tensor.dtype() == parameter.dtype(), type(), hint, "parameter ", name,
            " is ", parameter.dtype(), " ", parameter.shape(), ", its ", what, state, " ",
            tensor.dtype(), same_shape ? "" : " " + tensor.shape().to_string());
  };
  check("gradient", "", gradient, "clear gradients with zero_grad() after converting parameters");
  for (size_t i = 0; i < entry.state.size(); ++i) {
    if (kind_.states[i].scalar || !kind_.states[i].kept) continue;
    check("state ", kind_.states[i].name, entry.state[i],
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
      const StateSpec& spec = kind_.states[i];
      next.new_state.push_back(!spec.kept ? Tensor()
                               : spec.scalar
                                   ? full({}, spec.initial, float64)
                                   : full(parameter.shape(), spec.initial, parameter.dtype()));
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

constexpr std::pair<const char*, double GroupSettings::*> setting_fields[] = {
    {"param_groups.lr", &GroupSettings::lr},
    {"param_groups.weight_decay", &GroupSettings::weight_decay},
    {"param_groups.momentum", &GroupSettings::momentum},
    {"param_groups.l1_decay", &GroupSettings::l1_decay}};

}  // namespace

NamedTensors Optimizer::state_dict() const {
  NamedTensors result;
  for (const auto& [name, member] : setting_fields) {
    std::vector<double> values;
    for (const GroupSettings& group : groups_) values.push_back(group.*member);
    result.push_back({name, tensor(values, {static_cast<int64_t>(values.size())})});
  }
  for (const Entry& entry : entries_) {
    if (entry.steps == 0) continue;
    const std::string prefix = entry.parameter.name + ".";
    result.push_back({prefix + "step", tensor({entry.steps}, {})});
    for (size_t i = 0; i < entry.state.size(); ++i) {
      const StateSpec& spec = kind_.states[i];
      if (spec.kept) result.push_back({prefix + spec.name, entry.state[i].clone()});
    }
  }
  return result;
}

void Optimizer::load_state_dict(const NamedTensors& state) {
  StateLoader loader(state);
  std::vector<GroupSettings> groups = groups_;
  for (const auto& [name, member] : setting_fields) {
    const Tensor values = loader.take(name, {static_cast<int64_t>(groups.size())}, float64);
    if (!values.defined()) continue;
    const std::vector<double> numbers = values.to_vector<double>();
    for (size_t i = 0; i < groups.size(); ++i) groups[i].*member = numbers[i];
  }
  std::vector<Entry> entries = entries_;
  for (Entry& entry : entries) {
    const auto& [name, parameter] = entry.parameter;
    const bool updated = loader.has(name + ".step");
    entry.steps = updated ? loader.take_count(name + ".step") : 0;
    entry.state.clear();
    for (size_t i = 0; updated && i < kind_.states.size(); ++i) {
      const StateSpec& spec = kind_.states[i];
      Tensor t;
      if (spec.kept) {
        t = loader.take(name + "." + spec.name, spec.scalar ? Shape() : parameter.shape(),
                        spec.scalar ? float64 : parameter.dtype());
      }
      entry.state.push_back(t.defined() ? t.clone() : t);
    }
  }
  loader.finish(type(), "it must come from an optimizer of the same kind, parameters and groups");
  for (const GroupSettings& group : groups) check(group);
  groups_ = std::move(groups);
  entries_ = std::move(entries);
}

}  // namespace gradus::optim
