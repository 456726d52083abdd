#include "state_loader.h"

#include "../core/base/error.h"
#include "../core/ops.h"

namespace gradus::optim {

StateLoader::StateLoader(const NamedTensors& state, Names names) : names_(names) {
  for (const auto& [name, tensor] : state) {
    const bool defined = tensor.defined();
    const bool is_new = defined && left_.emplace(name, tensor.detach()).second;
    if (names_ == Names::some || is_new) continue;
    problem(str(defined ? "given twice: " : "undefined: ", name));
  }
}

Tensor StateLoader::take(const std::string& name, const Shape& shape, DType dtype) {
  const auto found = left_.find(name);
  if (found == left_.end()) return problem(str("missing: ", name));
  Tensor t = found->second;
  left_.erase(found);
  if (t.shape() == shape && t.dtype() == dtype) return t;
  return problem(str(name, " is ", t.dtype(), " ", t.shape(), ", expected ", dtype, " ", shape));
}

int64_t StateLoader::take_count(const std::string& name) {
  const Tensor t = take(name, {}, int64);
  if (!t.defined()) return 0;
  const int64_t count = *t.data<int64_t>();
  if (count < 0) problem(str(name, " is negative"));
  if (count > int64_t{1} << 53) problem(str(name, " is above 2^53"));
  return count;
}

double StateLoader::take_number(const std::string& name) {
  const Tensor t = take(name, {}, float64);
  return t.defined() ? t.item() : 0;
}

Tensor StateLoader::problem(const std::string& text) {
  problems_ += str(problems_.empty() ? "" : "; ", text);
  return {};
}

void StateLoader::finish(const char* who, const char* hint, const char* what) {
  if (names_ == Names::all) {
    for (const auto& [name, tensor] : left_) problem(str("unexpected: ", name));
  }
  require(problems_.empty(), who, hint, what, problems_);
}

}  // namespace gradus::optim
