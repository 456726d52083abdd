// expect: is not enough: the step turns the weights less
// Tempts because the gradient is a times as short.
#include "course.h"

struct Factors {
  double y, dw, dx, rate;
};

Factors when_scaled(double a, double b) {
  const double dz = 1 / (a * b);
  return {.y = 1, .dw = dz * b, .dx = dz * a, .rate = a};
}
