// Layers that are a function with options: no parameters, no modes.
#pragma once

#include "module.h"

namespace gradus::nn {

/// Makes a layer from a struct of options that also has `Tensor apply(const Tensor& x) const`.
template <class Function>
class FunctionLayer : public Layer<Function> {
 public:
  explicit FunctionLayer(const Function& options = {}) : Layer<Function>(options) {}
  Tensor forward(const Tensor& x) override { return this->options().apply(x); }
};

}  // namespace gradus::nn
