// expect: you expect dw to stay
// Tempts because the output does not change, so why should its gradient?
#include "course.h"

struct Factors {
  double y, dw, dx, rate;
};

Factors when_scaled(double a, double b) {
  const double dz = 1 / (a * b);
  return {.y = 1, .dw = 1, .dx = dz * a, .rate = a * a};
}
