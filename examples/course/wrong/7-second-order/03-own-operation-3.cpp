// expect: summed over everything
//
// y . g is a dot product, and sum(y * g) is how one is written.
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
                  return (g - s[1] * sum(s[1] * g)) / norm(s[0], {1}, 2, true);
                });
}
