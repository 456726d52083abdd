// From images to vectors.
#pragma once

#include "function_layer.h"

namespace gradus::nn {

struct FlattenOptions {
  static constexpr const char* type = "Flatten";
  int64_t start_dim = 1;
  int64_t end_dim = -1;
  void describe(OptionVisitor& visit) {
    visit("start_dim", start_dim);
    visit("end_dim", end_dim);
  }
  Tensor apply(const Tensor& x) const { return flatten(x, start_dim, end_dim); }
};
/// Merges dimensions start_dim to end_dim; by default all but the batch.
using Flatten = FunctionLayer<FlattenOptions>;

}  // namespace gradus::nn
