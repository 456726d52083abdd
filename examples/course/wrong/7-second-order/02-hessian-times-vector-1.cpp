// expect: there is a g too much
//
// The formula has g . v in it, and v is what was given.
#include "course.h"

using namespace gradus;

/// H v, in the shape of w, for a loss with one element.
Tensor hessian_times(const Tensor& loss, const Tensor& w, const Tensor& v) {
  const Tensor g = grad(loss, {w}, {.create_graph = true})[0];
  return grad(sum(g * v), {w})[0];
}
