// From images to vectors and back, and nothing at all.
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

struct UnflattenOptions {
  static constexpr const char* type = "Unflatten";
  int64_t dim = 1;
  Shape unflattened_size;
  void describe(OptionVisitor& visit) {
    visit.required("dim", dim);
    visit.required("unflattened_size", unflattened_size);
  }
  Tensor apply(const Tensor& x) const { return unflatten(x, dim, unflattened_size); }
};
/// Splits a dimension into several; one of their sizes may be -1.
using Unflatten = FunctionLayer<UnflattenOptions>;

struct IdentityOptions {
  static constexpr const char* type = "Identity";
  void describe(OptionVisitor&) {}
  Tensor apply(const Tensor& x) const { return x; }
};
/// x itself: a place for something else, or what is left of it.
using Identity = FunctionLayer<IdentityOptions>;

}  // namespace gradus::nn
