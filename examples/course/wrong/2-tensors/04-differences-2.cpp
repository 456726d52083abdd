// expect: too small
// The smaller the step, the better the slope: true on paper.
#include <functional>

#include "course.h"

using namespace gradus;

using ScalarFunction = std::function<Tensor(const Tensor&)>;

/// The gradient of f at x, of the shape of x, float64.
Tensor numeric_gradient(const ScalarFunction& f, const Tensor& x) {
  const double h = 1e-12;
  Tensor t = x.to(float64).clone(), gradient = zeros(x.shape(), float64);
  double* const p = t.mutable_data<double>();
  double* const result = gradient.mutable_data<double>();
  for (int64_t i = 0; i < x.numel(); ++i) {
    const double kept = p[i];
    p[i] = kept + h;
    const double up = f(t).item();
    p[i] = kept - h;
    const double down = f(t).item();
    p[i] = kept;
    result[i] = (up - down) / (2 * h);
  }
  return gradient;
}
