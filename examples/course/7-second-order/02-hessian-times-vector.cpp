// 7.2  A Hessian times a vector.
//
// The Hessian H of a loss with respect to w has numel^2 elements, but H v has as many as w, and
//
//     H v = d/dw ( g(w) . v ),   g = d loss/dw,   v constant
//
// costs two backward passes. The tape is open, and loss, w and v may all be on it: v may even have
// been computed from w. The result has the shape of w, and w.grad() stays as it is.
#include "course.h"

using namespace gradus;

/// H v, in the shape of w, for a loss with one element.
Tensor hessian_times(const Tensor& loss, const Tensor& w, const Tensor& v) {
  // TODO: the gradient; its product with v; the gradient of that.
  course::todo("the product of the Hessian with v");
}
