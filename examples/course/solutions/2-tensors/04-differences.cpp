// 2.4  A gradient by differences.
#include <functional>

#include "course.h"

using namespace gradus;

using ScalarFunction = std::function<Tensor(const Tensor&)>;

/// The gradient of f at x, of the shape of x, float64.
Tensor numeric_gradient(const ScalarFunction& f, const Tensor& x) {
  // h² = 1e-10 and 1e-16 / h = 1e-11: both errors are small, near the cube root of 1e-16.
  const double h = 1e-5;
  // to() of a float64 tensor is that tensor: the clone is what keeps x as it is.
  Tensor t = x.to(float64).clone(), gradient = zeros(x.shape(), float64);
  double* const p = t.mutable_data<double>();
  double* const result = gradient.mutable_data<double>();
  for (int64_t i = 0; i < x.numel(); ++i) {
    const double kept = p[i];
    p[i] = kept + h;
    const double up = f(t).item();
    p[i] = kept - h;
    const double down = f(t).item();
    p[i] = kept;  // p[i] += h would leave a rounding error behind
    result[i] = (up - down) / (2 * h);
  }
  return gradient;
}
