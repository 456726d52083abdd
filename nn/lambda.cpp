#include "lambda.h"

#include "../core/base/error.h"

namespace gradus::nn {

Lambda::Lambda(std::function<Tensor(const Tensor&)> function) : function_(std::move(function)) {
  if (!function_) {
    throw ValueError(type(), "the function is empty", "give a function from tensor to tensor");
  }
}

}  // namespace gradus::nn
