// A function as a layer.
#pragma once

#include <functional>

#include "../core/base/error.h"
#include "module.h"

namespace gradus::nn {

/// A function from one tensor to one, for a place in a Sequential:
///
///     nn::Lambda([](const Tensor& x) { return mean(x, {2, 3}); })
///
/// It has no parameters and no mode; for those, derive from Module. It cannot be written to a model
/// file. Throws ValueError for an empty function.
class Lambda : public Module {
 public:
  explicit Lambda(std::function<Tensor(const Tensor&)> function) : function_(std::move(function)) {
    require(function_ != nullptr, type(), "give a function from tensor to tensor",
            "the function is empty");
  }
  Tensor forward(const Tensor& x) override { return function_(x); }

 private:
  std::function<Tensor(const Tensor&)> function_;
};

}  // namespace gradus::nn
