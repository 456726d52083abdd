// expect: The gradient is taken for one that does not depend on |w|
// Tempts because without a norm gradients do not shrink as weights grow.
#include "course.h"

#include <cmath>

struct Step {
  double length;          // |w| after the step
  double effective_rate;  // of the step that follows
};

Step after_step(double length, double unit, double lr, double decay) {
  const double along = (1 - lr * decay) * length;
  const double across = lr * unit;
  const double after = std::hypot(along, across);
  return {.length = after, .effective_rate = lr / (after * after)};
}
