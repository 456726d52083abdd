// expect: as if gradient and weights were parallel
// Tempts because a step subtracts the gradient.
#include "course.h"

#include <cmath>

struct Step {
  double length;          // |w| after the step
  double effective_rate;  // of the step that follows
};

Step after_step(double length, double unit, double lr, double decay) {
  const double along = (1 - lr * decay) * length;
  const double across = lr * unit / length;
  const double after = along - across;
  return {.length = after, .effective_rate = lr / (after * after)};
}
