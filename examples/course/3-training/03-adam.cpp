// 3.3  Adam, from the paper.
//
// Algorithm 1 of Kingma and Ba, "Adam: a method for stochastic optimization" (2015). Step t, the
// first of which is 1, with the gradient g, all element by element:
//
//   m = beta1 m + (1 - beta1) g           m' = m / (1 - beta1^t)
//   v = beta2 v + (1 - beta2) g^2         v' = v / (1 - beta2^t)        p = p - lr m' / (sqrt(v') +
//   eps)
//
// m and v are kept from step to step, m' and v' are not.
#include <cmath>

#include "course.h"

using namespace gradus;

/// What Adam remembers of a parameter.
struct Moments {
  Tensor m, v;    // averages of its gradient and of the square of it; zeros before the first step
  int64_t t = 0;  // steps so far
};

struct Settings {
  double lr = 1e-3, beta1 = 0.9, beta2 = 0.999, eps = 1e-8;
};

/// One step: changes the elements of `p`, and `state`.
void adam_step(Tensor p, const Tensor& g, Moments& state, const Settings& s) {
  // TODO: count the step, update both averages, correct them, move the parameter.
  course::todo("one step of Adam");
}
