// expect: a dimension of size 1 was lost
// keepdim is false unless one asks for it.
#include "course.h"

using namespace gradus;

/// The gradient of a tensor of this shape, from that of what it was expanded to.
Tensor unbroadcast(Tensor g, const Shape& shape) {
  while (g.dim() > shape.dim()) g = sum(g, {0});
  for (int d = shape.dim() - 1; d >= 0; --d) {
    if (shape[d] == 1 && g.size(d) != 1) g = sum(g, {d});
  }
  return g;
}
