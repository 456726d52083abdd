// Reading saved state: what fits is taken, and everything that does not is reported together.
#pragma once

#include <map>
#include <string>

#include "../core/tensor.h"

namespace gradus::optim {

/// Takes tensors out of a state by name and collects what is missing, unexpected or does not fit.
class StateLoader {
 public:
  explicit StateLoader(const NamedTensors& state);

  bool has(const std::string& name) const { return left_.contains(name); }
  /// The tensor of this name, or an undefined one where it is missing or does not fit.
  Tensor take(const std::string& name, const Shape& shape, DType dtype);
  /// A number, or `otherwise` where it is missing or does not fit. Counts must not be
  /// negative, nor above 2^53: what counts on from there must not overflow.
  int64_t take_count(const std::string& name, int64_t otherwise);
  double take_number(const std::string& name, double otherwise);
  /// Adds to what will be reported; returns an undefined tensor.
  Tensor problem(const std::string& text);

  /// Throws ValueError in the name of `who` if there was any problem or something is left over.
  void finish(const std::string& who, const std::string& hint);

 private:
  std::map<std::string, Tensor> left_;
  std::string problems_;
};

}  // namespace gradus::optim
