// expect: no correction for the start at 0
// Tempting: after many steps the corrections are 1, so they look like a detail.
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
  ++state.t;
  state.m = s.beta1 * state.m + (1 - s.beta1) * g;
  state.v = s.beta2 * state.v + (1 - s.beta2) * square(g);
  p -= s.lr * state.m / (sqrt(state.v) + s.eps);
}
