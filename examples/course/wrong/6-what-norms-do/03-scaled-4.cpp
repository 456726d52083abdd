// expect: That is the factor of dz
// Tempts because the gradient of z is where the norm acts.
#include "course.h"

struct Factors {
  double y, dw, dx, rate;
};

Factors when_scaled(double a, double b) {
  const double dz = 1 / (a * b);
  return {.y = 1, .dw = dz, .dx = dz * a, .rate = a * a};
}
