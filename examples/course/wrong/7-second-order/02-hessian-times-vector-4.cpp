// expect: create_graph = true
//
// retain keeps the tape for another pass, which sounds like enough.
#include "course.h"

using namespace gradus;

/// H v, in the shape of w, for a loss with one element.
Tensor hessian_times(const Tensor& loss, const Tensor& w, const Tensor& v) {
  const Tensor g = grad(loss, {w}, {.retain = true})[0];
  return grad(sum(g * v.detach()), {w})[0];
}
