// expect: the gradient for a constant variance
//
// Without the term there is no divisor to be wrong.
#include "course.h"

using namespace gradus;

/// y = x W^T for x [N, in] and W [out, in].
Tensor my_linear(const Tensor& x, const Tensor& w) {
  Tensor y;
  {
    const NoGrad pause;
    y = matmul(x, w.T());
  }
  return record("my_linear", inputs(x, w), y, saved(x, w),
                [](const TensorList& s, const Tensor& g) {
                  const Tensor dx = matmul(g, s[1]), dw = matmul(g.T(), s[0]);
                  return TensorList{dx, dw};
                });
}

/// Rows of x [N, C] divided by the root of their mean square. Composed: it needs no rule.
Tensor my_rms(const Tensor& x, double eps) {
  return x * rsqrt(mean(square(x), {1}, true) + eps);
}

struct Eps {
  double value;
};

/// x_hat, for x [N, C].
Tensor my_normalize(const Tensor& x, double eps) {
  Tensor y;
  {
    const NoGrad pause;
    const Tensor centred = x - mean(x, {0}, true);
    y = centred * rsqrt(mean(square(centred), {0}, true) + eps);
  }
  return record("my_normalize", inputs(x), y, saved(x), Eps{eps},
                [](const TensorList& s, const Eps& eps, const Tensor& u) {
                  const Tensor centred = s[0] - mean(s[0], {0}, true);
                  const Tensor r = rsqrt(mean(square(centred), {0}, true) + eps.value);
                  return r * (u - mean(u, {0}, true));
                });
}
