// 6.4  Weight decay before a norm.
//
// A step of SGD with weight decay is w <- w - lr (g + decay w). Before a norm (eps = 0) g is
// orthogonal to w, and its length is `unit` / |w|, where `unit` is the length of the gradient at
// w / |w|. So the lengths obey a law of their own, without a net. How much a step turns w depends
// on the effective rate, lr / |w|^2.
#include "course.h"

struct Step {
  double length;          // |w| after the step
  double effective_rate;  // of the step that follows
};

Step after_step(double length, double unit, double lr, double decay) {
  // TODO: which two parts of the new w are at a right angle?
  course::todo("the length of the weights after a step");
}
