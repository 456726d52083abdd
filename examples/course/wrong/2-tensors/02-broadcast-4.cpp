// expect: A gradient has the shape of its tensor
// All examples with a batch in front are done by this one line.
#include "course.h"

using namespace gradus;

/// The gradient of a tensor of this shape, from that of what it was expanded to.
Tensor unbroadcast(Tensor g, const Shape& shape) {
  return sum(g, {0}, g.dim() == shape.dim());
}
