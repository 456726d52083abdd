// Reading saved state: what fits is used, and everything that does not is reported together.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "../base/text.h"
#include "../tensor.h"

namespace gradus {

/// Takes tensors out of a state, which must outlive it, by name and collects what is missing,
/// unexpected or does not fit.
class StateLoader {
 public:
  /// Whether names must be unique and all used, or others are ignored.
  enum class Names { all, some };

  explicit StateLoader(const NamedTensors& state, Names names = Names::all);

  bool has(const std::string& name) const { return left_.contains(name); }
  /// The tensor of this name, or an undefined one if it is missing.
  Tensor take(const std::string& name);
  /// The same for a tensor that has to have this shape and type.
  Tensor take(const std::string& name, const Shape& shape, DType dtype);
  /// A number, or 0 if it is missing or does not fit. Counts must not be negative, nor above
  /// 2^53: what counts up from there must not overflow.
  int64_t take_count(const std::string& name);
  double take_number(const std::string& name);
  /// What has not been taken is no problem.
  void ignore_rest() { left_.clear(); }

  /// Notes a problem, and returns an undefined tensor.
  template <class... Parts>
  Tensor problem(const Parts&... parts) {
    problems_ += str(problems_.empty() ? "" : "; ", parts...);
    return {};
  }
  /// Throws ValueError in the name of `who` if there was any problem or something is left over.
  void finish(std::string_view who, std::string_view hint,
              const char* what = "the state does not fit, nothing was loaded: ");

 private:
  const NamedTensors& state_;
  Names names_;
  std::map<std::string, Tensor> left_;
  std::string problems_;
};

}  // namespace gradus
