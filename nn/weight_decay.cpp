#include "weight_decay.h"

#include <unordered_map>

#include "norm.h"

namespace gradus::nn {

namespace {

/// "layer.bias", "lstm.bias_ih_l0".
bool is_bias(const std::string& path) {
  const size_t dot = path.rfind('.');
  return path.compare(dot == std::string::npos ? 0 : dot + 1, 4, "bias") == 0;
}

}  // namespace

std::function<bool(const NamedTensor&)> decays(const Module& net) {
  std::unordered_map<const void*, Tensor> spared;  // the handles keep the ids unique
  const auto spare = [&](const NamedTensor& parameter) {
    spared.emplace(parameter.tensor.id(), parameter.tensor);
  };
  for (const NamedTensor& parameter : net.named_parameters()) {
    if (is_bias(parameter.name)) spare(parameter);
  }
  for (const auto& [path, module] : net.named_modules()) {
    if (dynamic_cast<const NormLayer*>(module) == nullptr) continue;
    for (const NamedTensor& parameter : module->named_parameters()) spare(parameter);
  }
  return [spared](const NamedTensor& parameter) {
    return parameter.tensor.defined() && parameter.tensor.dim() >= 2 &&
           !spared.contains(parameter.tensor.id());
  };
}

}  // namespace gradus::nn
