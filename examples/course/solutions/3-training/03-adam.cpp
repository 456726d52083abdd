// 3.3  Adam, from the paper.
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
  // The paper counts from 1: with t = 0 the corrections would divide by 0.
  const auto t = static_cast<double>(++state.t);
  state.m = s.beta1 * state.m + (1 - s.beta1) * g;
  state.v = s.beta2 * state.v + (1 - s.beta2) * square(g);
  // Averages that started at 0 are too small by exactly these factors. The corrected ones are new
  // tensors: the next step needs the others.
  const Tensor m = state.m / (1 - std::pow(s.beta1, t));
  const Tensor v = state.v / (1 - std::pow(s.beta2, t));
  // -= writes into the elements that the caller's handle refers to; `p = p - ...` would make the
  // local handle refer to a new tensor, and nobody would see it.
  p -= s.lr * m / (sqrt(v) + s.eps);
}
