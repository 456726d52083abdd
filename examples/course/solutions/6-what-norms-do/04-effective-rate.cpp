#include "course.h"

#include <cmath>

struct Step {
  double length;          // |w| after the step
  double effective_rate;  // of the step that follows
};

Step after_step(double length, double unit, double lr, double decay) {
  // The decay acts along w, the gradient across it: Pythagoras. Without decay the length can only
  // grow, since the second term has no sign.
  const double along = (1 - lr * decay) * length;
  const double across = lr * unit / length;
  const double after = std::hypot(along, across);
  return {.length = after, .effective_rate = lr / (after * after)};
}
