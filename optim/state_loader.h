// Reading saved state: what fits is used, and everything that does not is reported together.
#pragma once

#include <map>
#include <string>

#include "../core/tensor.h"

namespace gradus::optim {

/// Takes tensors out of a state by name and collects what is missing, unexpected or does not fit.
class StateLoader {
 public:
  /// Whether all names of the state must be used, or others are ignored.
  enum class Names { all, some };

  explicit StateLoader(const NamedTensors& state, Names names = Names::all);

  bool has(const std::string& name) const { return left_.contains(name); }
  /// The tensor of this name, or an undefined one if it is missing or does not fit.
  Tensor take(const std::string& name, const Shape& shape, DType dtype);
  /// A number, or 0 if it is missing or does not fit. Counts must not be negative, nor above
  /// 2^53: what counts up from there must not overflow.
  int64_t take_count(const std::string& name);
  double take_number(const std::string& name);

  /// Throws ValueError in the name of `who` if there was any problem or something is left over.
  void finish(const char* who, const char* hint,
              const char* what = "the state does not fit, nothing was loaded: ");

 private:
  Tensor problem(const std::string& text);

  Names names_;
  std::map<std::string, Tensor> left_;
  std::string problems_;
};

}  // namespace gradus::optim
