// 7.4  Three bugs.
//
// A linear layer and two norms. Nets would train in spite of each bug. These formulas are right:
//
//     linear:     y = x W^T,   dx = g W,   dW = g^T x                       W [out, in]
//     rms:        y = x / sqrt(mean(x^2) + eps)                             mean over the row
//     normalize:  v = 1/N sum (x - mean)^2,  r = 1 / sqrt(v + eps),  x_hat = (x - mean) r
//                 dx = r (g - mean(g) - x_hat mean(g x_hat))                over the column
#include "course.h"

using namespace gradus;

// TODO: three bugs below. Find them and repair them.

/// y = x W^T for x [N, in] and W [out, in].
Tensor my_linear(const Tensor& x, const Tensor& w) {
  Tensor y;
  {
    const NoGrad pause;
    y = matmul(x, w.T());
  }
  return record("my_linear", inputs(x, w), y, saved(x, w),
                [](const TensorList& s, const Tensor& g) {
                  const Tensor dx = matmul(g, s[1].T()), dw = matmul(g.T(), s[0]);
                  return TensorList{dx, dw};
                });
}

/// Rows of x [N, C] divided by the root of their mean square. Composed: it needs no rule.
Tensor my_rms(const Tensor& x, double eps) {
  return x / (sqrt(mean(square(x), {1}, true)) + eps);
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
                  const double rows = static_cast<double>(u.size(0));
                  const Tensor centred = s[0] - mean(s[0], {0}, true);
                  const Tensor r = rsqrt(mean(square(centred), {0}, true) + eps.value);
                  const Tensor x_hat = centred * r;
                  return r * (u - mean(u, {0}, true) - x_hat * (sum(u * x_hat, {0}) / (rows - 1)));
                });
}
