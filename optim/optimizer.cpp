#include "optimizer.h"

#include <cmath>
#include <map>

#include "../core/base/error.h"
#include "../core/ops.h"
#include "../core/tape.h"

namespace gradus::optim {

// --- Building ---

Optimizer::Optimizer(std::string type, const std::vector<ParameterGroup>& groups,
                     const GroupSettings& defaults, std::vector<std::string> state_names)
    : type_(std::move(type)), state_names_(std::move(state_names)) {
  for (const ParameterGroup& group : groups) {
    for (const NamedTensor& parameter : group.parameters) add(parameter, groups_.size());
    groups_.push_back({.lr = group.lr.value_or(defaults.lr),
                       .weight_decay = group.weight_decay.value_or(defaults.weight_decay),
                       .momentum = group.momentum.value_or(defaults.momentum)});
  }
  if (entries_.empty()) {
    throw ValueError(type_, "no parameters to optimize", "pass module.named_parameters()");
  }
}

Optimizer::~Optimizer() = default;

void Optimizer::add(const NamedTensor& parameter, size_t group) {
  const auto& [name, tensor] = parameter;
  if (!tensor.defined()) throw ValueError(type_, str("parameter ", name, " is undefined"));
  if (!is_floating(tensor.dtype())) {
    throw DTypeError(type_, str("parameter ", name, " is ", tensor.dtype(), " ", tensor.shape()),
                     "only float32 and float64 parameters can be optimized");
  }
  if (tensor.tape_slot().tape != 0) {
    throw ValueError(type_, str("parameter ", name, " ", tensor.shape(), " was computed by a tape"),
                     "optimize the tensor that it was computed from");
  }
  if (!tensor.is_contiguous()) {
    throw ValueError(type_,
                     str("parameter ", name, " ", tensor.shape(), " is not in row-major order"),
                     "contiguous() makes a copy that is");
  }
  for (const Entry& other : entries_) {
    if (other.parameter.tensor.is_same(tensor)) {
      throw ValueError(type_,
                       str("parameter ", name, " was given before as ", other.parameter.name),
                       "each parameter belongs to one group, once");
    }
    if (other.parameter.name == name) {
      throw ValueError(type_, str("two parameters are named ", name),
                       "state is kept by name; give each its own");
    }
  }
  entries_.push_back({.parameter = parameter, .group = group});
}

void Optimizer::require(bool ok, const char* option, double value, const char* range) const {
  if (!ok) throw ValueError(type_, str(option, " must be ", range, ", got ", value));
}

void Optimizer::check(const GroupSettings& s) const {
  require(s.lr >= 0 && std::isfinite(s.lr), "lr", s.lr, "a number of at least 0");
  require(s.weight_decay >= 0 && std::isfinite(s.weight_decay), "weight_decay", s.weight_decay,
          "a number of at least 0");
}

void Optimizer::check_groups() const {
  for (const GroupSettings& group : groups_) check(group);
}

// --- Settings ---

const GroupSettings& Optimizer::settings(size_t group) const {
  if (group < groups_.size()) return groups_[group];
  throw IndexError(type_, str("no group ", group, ", there are ", groups_.size()));
}

void Optimizer::set_settings(size_t group, const GroupSettings& settings) {
  this->settings(group);
  check(settings);
  groups_[group] = settings;
}

void Optimizer::set_lr(double lr) {
  std::vector<GroupSettings> changed = groups_;
  for (GroupSettings& group : changed) {
    group.lr = lr;
    check(group);
  }
  groups_ = std::move(changed);
}

// --- Stepping ---

void Optimizer::step() {
  const NoGrad pause;
  for (Entry& entry : entries_) {
    const Tensor gradient = entry.parameter.tensor.grad();
    if (!gradient.defined()) continue;
    while (entry.state.size() < state_names_.size()) {
      entry.state.push_back(zeros_like(entry.parameter.tensor));
    }
    ++entry.steps;
    update(entry, gradient, groups_[entry.group]);
  }
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
                                    {"param_groups.momentum", &GroupSettings::momentum}};

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
      result.push_back({entry.parameter.name + "." + state_names_[i], entry.state[i].clone()});
    }
  }
  return result;
}

/// Collects what fits from a state, and everything that does not.
class Optimizer::StateLoader {
 public:
  explicit StateLoader(const NamedTensors& state) {
    for (const NamedTensor& entry : state) {
      if (!entry.tensor.defined()) {
        problem(str("undefined: ", entry.name));
      } else if (!left_.emplace(entry.name, entry.tensor.detach()).second) {
        problem(str("given twice: ", entry.name));
      }
    }
  }

  bool has(const std::string& name) const { return left_.contains(name); }

  /// The tensor of this name, or an undefined one where it is missing or does not fit.
  Tensor take(const std::string& name, const Shape& shape, DType dtype) {
    const auto found = left_.find(name);
    if (found == left_.end()) return problem(str("missing: ", name));
    Tensor t = found->second;
    left_.erase(found);
    if (t.shape() == shape && t.dtype() == dtype) return t;
    return problem(str(name, " is ", t.dtype(), " ", t.shape(), ", expected ", dtype, " ", shape));
  }

  Tensor problem(const std::string& text) {
    problems_ += str(problems_.empty() ? "" : "; ", text);
    return {};
  }

  void finish(const std::string& type) {
    for (const auto& [name, tensor] : left_) problem(str("unexpected: ", name));
    if (problems_.empty()) return;
    throw ValueError(type, str("the state does not fit, nothing was loaded: ", problems_),
                     "it must come from an optimizer of the same kind, parameters and groups");
  }

 private:
  std::map<std::string, Tensor> left_;
  std::string problems_;
};

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
    const Tensor& parameter = entry.parameter.tensor;
    if (!loader.has(step_name(entry.parameter))) continue;  // was never updated
    const Tensor steps = loader.take(step_name(entry.parameter), {}, int64);
    if (steps.defined()) entry.steps = static_cast<int64_t>(steps.item());
    if (entry.steps < 0) loader.problem(str(step_name(entry.parameter), " is negative"));
    for (const std::string& name : state_names_) {
      const Tensor t =
          loader.take(entry.parameter.name + "." + name, parameter.shape(), parameter.dtype());
      if (t.defined()) entry.state.push_back(t.clone());
    }
  }
  loader.finish(type_);
  for (const GroupSettings& group : groups) check(group);
  groups_ = std::move(groups);
  entries_ = std::move(entries);
}

}  // namespace gradus::optim
