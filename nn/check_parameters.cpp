#include "check_parameters.h"

#include <algorithm>
#include <unordered_set>

#include "../core/base/error.h"

namespace gradus::nn {

namespace {

/// The entry that first used the leaf at `slot`.
UnregisteredLeaf first_use(const Tape& tape, int32_t slot, const Tensor& tensor) {
  for (auto i = static_cast<size_t>(slot); i < tape.size(); ++i) {
    const auto inputs = tape.input_slots(tape[i]);
    if (std::find(inputs.begin(), inputs.end(), slot) != inputs.end()) {
      return {tensor, tape[i].op, tape.path(tape[i])};
    }
  }
  return {tensor, "", ""};
}

}  // namespace

std::string UnregisteredLeaf::to_string() const {
  return str(tensor.shape(), op.empty() ? "" : " of ", op, path.empty() ? "" : " in ", path);
}

ParameterUse parameter_use(const Module& net, const Tape& tape, const std::vector<Tensor>& inputs) {
  const NamedTensors parameters = net.named_parameters();
  std::unordered_set<const void*> known, on_tape;
  for (const NamedTensor& p : parameters) known.insert(p.tensor.id());
  for (const Tensor& x : inputs) known.insert(x.id());

  ParameterUse use;
  for (const auto& [slot, leaf] : tape.leaves()) {
    on_tape.insert(leaf.id());
    if (!known.contains(leaf.id())) use.unregistered.push_back(first_use(tape, slot, leaf));
  }
  for (const NamedTensor& p : parameters) {
    if (p.tensor.requires_grad() && !on_tape.contains(p.tensor.id())) use.unused.push_back(p.name);
  }
  return use;
}

void check_parameters(const Module& net, const Tape& tape, const std::vector<Tensor>& inputs) {
  const ParameterUse use = parameter_use(net, tape, inputs);
  if (use.all_well()) return;
  std::vector<std::string> strangers, texts, hints;
  for (const UnregisteredLeaf& leaf : use.unregistered) strangers.push_back(leaf.to_string());
  if (!strangers.empty()) {
    texts.push_back("these tensors ask for a gradient and are no parameters of the net: " +
                    joined(strangers));
    hints.emplace_back(
        "register layers, as in nn::Linear& head = child<nn::Linear>(\"head\", 8, 2), and "
        "tensors with parameter(): plain members are neither trained nor saved");
  }
  if (!use.unused.empty()) {
    texts.push_back("these parameters were not used: " + joined(use.unused));
    hints.emplace_back(
        "leave out what the forward does not need, or freeze it with requires_grad_(false)");
  }
  throw ValueError("check_parameters", joined(texts, "; "), joined(hints, "; "));
}

}  // namespace gradus::nn
