// 2.4  A gradient by differences.
//
// The slope of f in element i of x, without any rule: move the element by a small step h to both
// sides and see how much f changes,
//
//     df/dx_i  ≈  (f(x + h e_i) - f(x - h e_i)) / (2 h)
//
// The error of this is of the order h² from the curve, plus 1e-16 / h from rounding: choose h so
// that both are small. x may be float32; f is to be called with float64 tensors all the same, and
// the result is float64. x itself must be left as it is. f returns a tensor of one element.
#include <functional>

#include "course.h"

using namespace gradus;

using ScalarFunction = std::function<Tensor(const Tensor&)>;

/// The gradient of f at x, of the shape of x, float64.
Tensor numeric_gradient(const ScalarFunction& f, const Tensor& x) {
  // TODO: work with t = x.to(float64).clone(); its elements are at t.mutable_data<double>().
  course::todo("numeric_gradient");
}
