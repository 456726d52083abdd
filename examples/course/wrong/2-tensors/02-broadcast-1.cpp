// expect: Nothing was summed
// A bias, the usual case, has one dimension less; that there are others shows later.
#include "course.h"

using namespace gradus;

/// The gradient of a tensor of this shape, from that of what it was expanded to.
Tensor unbroadcast(Tensor g, const Shape& shape) {
  while (g.dim() > shape.dim()) g = sum(g, {0});
  return g;
}
