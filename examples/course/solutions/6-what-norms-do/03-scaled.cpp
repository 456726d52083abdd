#include "course.h"

struct Factors {
  double y, dw, dx, rate;
};

Factors when_scaled(double a, double b) {
  // z is multiplied by ab and the norm divides by it, so y stays; the gradient dz is divided by ab.
  // dW = dz^T x has another b in x, which cancels; dx = dz W has another a in W.
  const double dz = 1 / (a * b);
  // The new step is aW - rate dw / a = a (W - rate / a^2 dw): a times the old one if rate is a^2.
  return {.y = 1, .dw = dz * b, .dx = dz * a, .rate = a * a};
}
