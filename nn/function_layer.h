// Layers that are a function with options: no parameters, no modes.
#pragma once

#include "module.h"

namespace gradus::nn {

/// Makes a layer from a struct of options that also has `Tensor apply(const Tensor& x) const`, and
/// optionally `void check() const`, which throws ValueError for invalid options.
template <class Function>
class FunctionLayer : public Layer<Function> {
 public:
  explicit FunctionLayer(const Function& options = {}) : Layer<Function>(options) {
    if constexpr (requires { options.check(); }) options.check();
  }
  Tensor forward(const Tensor& x) override { return this->options().apply(x); }
};

}  // namespace gradus::nn
