// expect: does not depend on v
//
// A second derivative is grad of sum(g), as in the text's first example.
#include "course.h"

using namespace gradus;

/// H v, in the shape of w, for a loss with one element.
Tensor hessian_times(const Tensor& loss, const Tensor& w, const Tensor& v) {
  const Tensor g = grad(loss, {w}, {.create_graph = true})[0];
  return grad(sum(g), {w})[0];
}
