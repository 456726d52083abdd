#include "state_loader.h"

#include "../core/base/error.h"
#include "../core/ops.h"

namespace gradus::optim {

StateLoader::StateLoader(const NamedTensors& state) {
  for (const NamedTensor& entry : state) {
    if (!entry.tensor.defined()) {
      problem(str("undefined: ", entry.name));
    } else if (!left_.emplace(entry.name, entry.tensor.detach()).second) {
      problem(str("given twice: ", entry.name));
    }
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

int64_t StateLoader::take_count(const std::string& name, int64_t otherwise) {
  const Tensor t = take(name, {}, int64);
  if (!t.defined()) return otherwise;
  const int64_t count = *t.data<int64_t>();
  if (count < 0) problem(str(name, " is negative"));
  if (count > int64_t{1} << 53) problem(str(name, " is above 2^53"));
  return count;
}

double StateLoader::take_number(const std::string& name, double otherwise) {
  const Tensor t = take(name, {}, float64);
  return t.defined() ? t.item() : otherwise;
}

Tensor StateLoader::problem(const std::string& text) {
  problems_ += str(problems_.empty() ? "" : "; ", text);
  return {};
}

void StateLoader::finish(const std::string& who, const std::string& hint) {
  for (const auto& [name, tensor] : left_) problem(str("unexpected: ", name));
  if (problems_.empty()) return;
  throw ValueError(who, str("the state does not fit, nothing was loaded: ", problems_), hint);
}

}  // namespace gradus::optim
