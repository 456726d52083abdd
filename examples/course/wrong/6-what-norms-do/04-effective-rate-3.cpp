// expect: The square of the length shrinks by (1 - lr decay), once
// Tempts because squares are what one adds.
#include "course.h"

#include <cmath>

struct Step {
  double length;          // |w| after the step
  double effective_rate;  // of the step that follows
};

Step after_step(double length, double unit, double lr, double decay) {
  const double along = (1 - lr * decay) * length;
  const double across = lr * unit / length;
  const double after = std::sqrt(along * length + across * across);
  return {.length = after, .effective_rate = lr / (after * after)};
}
