// expect: it is a mean
// A mean keeps the gradient of a bias at the size of the others, which looks right.
#include "course.h"

using namespace gradus;

/// The gradient of a tensor of this shape, from that of what it was expanded to.
Tensor unbroadcast(Tensor g, const Shape& shape) {
  while (g.dim() > shape.dim()) g = mean(g, {0});
  for (int d = 0; d < shape.dim(); ++d) {
    if (shape[d] == 1 && g.size(d) != 1) g = mean(g, {d}, true);
  }
  return g;
}
