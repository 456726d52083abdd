// expect: you expect dx to stay
// Tempts because W has a scale, and x seems to be data only.
#include "course.h"

struct Factors {
  double y, dw, dx, rate;
};

Factors when_scaled(double a, double b) {
  const double dz = 1 / (a * b);
  return {.y = 1, .dw = dz * b, .dx = 1, .rate = a * a};
}
