// expect: Right to first order only
//
// The length is known already; why compute it again? Every first gradient is right.
#include "course.h"

using namespace gradus;

/// Each row of x [N, D] divided by its length.
Tensor normalize_rows(const Tensor& x) {
  Tensor y;
  {
    const NoGrad pause;  // the steps in here are not recorded
    y = x / norm(x, {1}, 2, true);
  }
  Tensor length;
  {
    const NoGrad pause;
    length = norm(x, {1}, 2, true);
  }
  return record("normalize_rows", inputs(x), y, saved(y, length),
                [](const TensorList& s, const Tensor& g) {
                  return (g - s[0] * sum(s[0] * g, {1}, true)) / s[1];
                });
}
