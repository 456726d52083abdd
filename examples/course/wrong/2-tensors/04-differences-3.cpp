// expect: f was called with a float32 tensor
// x is float32, so what is computed with it is as well.
#include <functional>

#include "course.h"

using namespace gradus;

using ScalarFunction = std::function<Tensor(const Tensor&)>;

/// The gradient of f at x, of the shape of x, float64.
Tensor numeric_gradient(const ScalarFunction& f, const Tensor& x) {
  const double h = 1e-5;
  Tensor t = x.clone(), gradient = zeros(x.shape(), float64);
  double* const result = gradient.mutable_data<double>();
  for (int64_t i = 0; i < x.numel(); ++i) {
    Tensor element = t.reshape({-1})[i];
    const double kept = element.item();
    element.fill_(kept + h);
    const double up = f(t).item();
    element.fill_(kept - h);
    const double down = f(t).item();
    element.fill_(kept);
    result[i] = (up - down) / (2 * h);
  }
  return gradient;
}
