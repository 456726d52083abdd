#include "checker.h"

#include <cmath>
#include <sstream>

#include "../../core/base/error.h"

namespace gradus::conformance {
namespace {

constexpr int shown_elements = 5;

/// [i,j,...] of an element by its number in row-major order.
Shape index_of(int64_t element, const Shape& shape) {
  Shape index = shape;
  for (int d = shape.dim() - 1; d >= 0; --d) {
    index[d] = element % shape[d];
    element /= shape[d];
  }
  return index;
}

}  // namespace

bool Checker::agrees(double found, double expected) const {
  if (std::isnan(expected)) return std::isnan(found);
  if (std::isinf(expected)) return found == expected;
  return std::abs(found - expected) <= tolerance_.atol + tolerance_.rtol * std::abs(expected);
}

void Checker::check(const std::string& what, const Tensor& found, const Tensor& expected) {
  if (!expected.defined()) return;
  if (!found.defined()) return fail(what + ": there is none");
  if (found.shape() != expected.shape()) {
    return fail(str(what, ": shape ", found.shape(), ", expected ", expected.shape()));
  }
  if (found.dtype() != expected.dtype()) {
    return fail(str(what, ": type ", found.dtype(), ", expected ", expected.dtype()));
  }
  const bool exact = !is_floating(expected.dtype());
  const auto a = found.detach().to(float64).to_vector<double>();
  const auto b = expected.to(float64).to_vector<double>();
  std::ostringstream text;
  text.precision(17);
  int64_t wrong = 0;
  for (size_t i = 0; i < b.size(); ++i) {
    if (exact ? a[i] == b[i] : agrees(a[i], b[i])) continue;
    if (++wrong > shown_elements) continue;
    text << "\n      at " << index_of(static_cast<int64_t>(i), expected.shape()) << " found "
         << a[i] << ", expected " << b[i];
  }
  if (wrong == 0) return;
  fail(str(what, " ", expected.shape(), ": ", wrong, " of ", b.size(), " elements differ (rtol ",
           tolerance_.rtol, ", atol ", tolerance_.atol, ")", text.str()));
}

void Checker::check(const std::string& what, const Tensors& found, const Tensors& expected) {
  if (found.size() != expected.size()) {
    return fail(str(what, ": there are ", found.size(), ", expected ", expected.size()));
  }
  for (size_t i = 0; i < expected.size(); ++i) {
    check(str(what, " ", i), found[i], expected[i]);
  }
}

void Checker::check(const std::string& what, const NamedTensors& found,
                    const NamedTensors& expected) {
  for (const NamedTensor& e : expected) {
    Tensor match;
    for (const NamedTensor& f : found) {
      if (f.name == e.name) match = f.tensor;
    }
    check(what + " " + e.name, match, e.tensor);
  }
}

void Checker::check(const std::string& what, double found, double expected) {
  if (agrees(found, expected)) return;
  std::ostringstream text;
  text.precision(17);
  text << what << ": found " << found << ", expected " << expected;
  fail(text.str());
}

}  // namespace gradus::conformance
