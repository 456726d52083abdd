// expect: has the factor b from x, but dz has 1 / b
// Tempts because without a norm larger inputs mean larger gradients.
#include "course.h"

struct Factors {
  double y, dw, dx, rate;
};

Factors when_scaled(double a, double b) {
  const double dz = 1 / (a * b);
  return {.y = 1, .dw = b / a, .dx = dz * a, .rate = a * a};
}
