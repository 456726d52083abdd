// expect: The decay is not multiplied by the rate
// Tempts because "decay" sounds like a share that is lost at each step.
#include "course.h"

#include <cmath>

struct Step {
  double length;          // |w| after the step
  double effective_rate;  // of the step that follows
};

Step after_step(double length, double unit, double lr, double decay) {
  const double along = (1 - decay) * length;
  const double across = lr * unit / length;
  const double after = std::hypot(along, across);
  return {.length = after, .effective_rate = lr / (after * after)};
}
