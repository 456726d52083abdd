// expect: M is taken for the size of the batch
// Tempts because M is the batch size on [N, C].
#include "course.h"

using namespace gradus;

Tensor closed_form(const Tensor& g, const Tensor& xhat, const Tensor& r, const Tensor& gamma) {
  const Dims set = {0, 2};
  const double m = static_cast<double>(g.size(0));
  const Tensor factor = reshape(gamma * r / m, {1, -1, 1});
  return factor * (g * m - sum(g, set, true) - xhat * sum(g * xhat, set, true));
}
