// From images to vectors and back, and the identity.
#pragma once

#include "function_layer.h"

namespace gradus::nn {

/// Options of Flatten. Negative dimensions count from the end.
struct FlattenOptions {
  static constexpr const char* type = "Flatten";
  int64_t start_dim = 1;  ///< the first dimension that is merged
  int64_t end_dim = -1;   ///< the last one
  void describe(OptionVisitor& visit) {
    visit("start_dim", start_dim);
    visit("end_dim", end_dim);
  }
  Tensor apply(const Tensor& x) const { return flatten(x, start_dim, end_dim); }
};
/// Merges dimensions start_dim to end_dim; by default all but the batch.
using Flatten = FunctionLayer<FlattenOptions>;

/// Options of Unflatten.
struct UnflattenOptions {
  static constexpr const char* type = "Unflatten";
  int64_t dim = 1;         ///< the dimension that is split; negative counts from the end
  Shape unflattened_size;  ///< what it is split into; one size may be -1 and is inferred
  void describe(OptionVisitor& visit) {
    visit.required("dim", dim);
    visit.required("unflattened_size", unflattened_size);
  }
  Tensor apply(const Tensor& x) const { return unflatten(x, dim, unflattened_size); }
};
/// Splits a dimension into several; one of their sizes may be -1.
using Unflatten = FunctionLayer<UnflattenOptions>;

/// Identity has no options.
struct IdentityOptions {
  static constexpr const char* type = "Identity";
  void describe(OptionVisitor&) {}
  Tensor apply(const Tensor& x) const { return x; }
};
/// x itself: a placeholder.
using Identity = FunctionLayer<IdentityOptions>;

}  // namespace gradus::nn
