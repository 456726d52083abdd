// expect: should have one
//
// The operations already have rules, so composing them is right to every order: but not one entry.
#include "course.h"

using namespace gradus;

/// Each row of x [N, D] divided by its length.
Tensor normalize_rows(const Tensor& x) {
  Tensor y;
  {
    const NoGrad pause;  // the steps in here are not recorded
    y = x / norm(x, {1}, 2, true);
  }
  return x / norm(x, {1}, 2, true);
}
