// 6.3  What is left of a factor?
//
// A linear layer, z = x W^T, is followed by a norm with eps = 0, and the loss depends on the norm's
// output y. Someone multiplies W by `a` and x by `b`, both positive. By which factors are these
// multiplied then?
//     y       the output of the norm
//     dw, dx  the gradients of the loss with respect to W and to x, as they are after the change
//     rate    the learning rate with which a step W - rate dw is the same step as before, in the
//             sense that the net computes the same after it
// Predict it, with formulas; the test measures it.
#include "course.h"

struct Factors {
  double y, dw, dx, rate;
};

Factors when_scaled(double a, double b) {
  // TODO: four formulas of a and b.
  course::todo("the four factors");
}
