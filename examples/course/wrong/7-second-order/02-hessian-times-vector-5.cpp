// expect: the gradient of |g|^2
//
// Something has to make one number of g, and a norm does.
#include "course.h"

using namespace gradus;

/// H v, in the shape of w, for a loss with one element.
Tensor hessian_times(const Tensor& loss, const Tensor& w, const Tensor& v) {
  const Tensor g = grad(loss, {w}, {.create_graph = true})[0];
  return grad(sum(g * g), {w})[0];
}
