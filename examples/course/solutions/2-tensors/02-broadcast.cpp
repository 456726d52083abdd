// 2.2  The gradient of a broadcast.
#include "course.h"

using namespace gradus;

/// The gradient of a tensor of this shape, from that of what it was expanded to.
Tensor unbroadcast(Tensor g, const Shape& shape) {
  // Shapes are aligned at their last dimension, so what was added is at the front.
  while (g.dim() > shape.dim()) g = sum(g, {0});
  // keepdim: the dimension was there, with size 1, and a gradient has the shape of its tensor.
  for (int d = 0; d < shape.dim(); ++d) {
    if (shape[d] == 1 && g.size(d) != 1) g = sum(g, {d}, true);
  }
  return g;
}
