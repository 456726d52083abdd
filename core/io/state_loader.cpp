#include "state_loader.h"

#include "../base/error.h"
#include "../ops.h"

namespace gradus {

StateLoader::StateLoader(const NamedTensors& state, Names names) : state_(state), names_(names) {
  for (const auto& [name, tensor] : state) {
    const bool defined = tensor.defined();
    const bool is_new = defined && left_.emplace(name, tensor.detach()).second;
    if (names_ == Names::some || is_new) continue;
    problem(defined ? "given twice: " : "undefined: ", name);
  }
}

Tensor StateLoader::take(const std::string& name) {
  const auto found = left_.extract(name);
  return found.empty() ? problem("missing: ", name) : found.mapped();
}

Tensor StateLoader::take(const std::string& name, const Shape& shape, DType dtype) {
  Tensor t = take(name);
  if (!t.defined() || (t.shape() == shape && t.dtype() == dtype)) return t;
  return problem(name, " is ", t.dtype(), " ", t.shape(), ", expected ", dtype, " ", shape);
}

int64_t StateLoader::take_count(const std::string& name) {
  const Tensor t = take(name, {}, int64);
  if (!t.defined()) return 0;
  const int64_t count = *t.data<int64_t>();
  if (count < 0) problem(name, " is negative");
  if (count > int64_t{1} << 53) problem(name, " is above 2^53");
  return count;
}

double StateLoader::take_number(const std::string& name) {
  const Tensor t = take(name, {}, float64);
  return t.defined() ? t.item() : 0;
}

void StateLoader::finish(std::string_view who, std::string_view hint, const char* what) {
  for (const NamedTensor& entry : state_) {
    if (names_ == Names::all && has(entry.name)) problem("unexpected: ", entry.name);
  }
  require(problems_.empty(), who, hint, what, problems_);
}

}  // namespace gradus
