// expect: the mean term is missing
// Tempts because a loss often has gradients with a sum near 0.
#include "course.h"

using namespace gradus;

Tensor closed_form(const Tensor& g, const Tensor& xhat, const Tensor& r, const Tensor& gamma) {
  const Dims set = {0, 2};
  const double m = static_cast<double>(g.size(0) * g.size(2));
  const Tensor factor = reshape(gamma * r / m, {1, -1, 1});
  return factor * (g * m - xhat * sum(g * xhat, set, true));
}
