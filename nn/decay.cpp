#include "decay.h"

#include <algorithm>

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
  std::vector<Tensor> spared;
  for (const NamedTensor& parameter : net.named_parameters()) {
    if (is_bias(parameter.name)) spared.push_back(parameter.tensor);
  }
  for (const auto& [path, module] : net.named_modules()) {
    if (dynamic_cast<const NormLayer*>(module) == nullptr) continue;
    for (const NamedTensor& parameter : module->named_parameters()) {
      spared.push_back(parameter.tensor);
    }
  }
  return [spared](const NamedTensor& parameter) {
    return parameter.tensor.defined() && parameter.tensor.dim() >= 2 &&
           std::none_of(spared.begin(), spared.end(),
                        [&](const Tensor& other) { return other.is_same(parameter.tensor); });
  };
}

}  // namespace gradus::nn
