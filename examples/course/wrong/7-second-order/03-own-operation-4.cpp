// expect: The gradient of the gradient is cut off
//
// "A backward pass is not differentiated", as it says everywhere else: NoGrad saves time.
#include "course.h"

using namespace gradus;

/// Each row of x [N, D] divided by its length.
Tensor normalize_rows(const Tensor& x) {
  Tensor y;
  {
    const NoGrad pause;  // the steps in here are not recorded
    y = x / norm(x, {1}, 2, true);
  }
  return record("normalize_rows", inputs(x), y, saved(x, y),
                [](const TensorList& s, const Tensor& g) {
                  const NoGrad pause;
                  return (g - s[1] * sum(s[1] * g, {1}, true)) / norm(s[0], {1}, 2, true);
                });
}
