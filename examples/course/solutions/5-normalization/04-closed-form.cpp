#include "course.h"

using namespace gradus;

Tensor closed_form(const Tensor& g, const Tensor& xhat, const Tensor& r, const Tensor& gamma) {
  const Dims set = {0, 2};
  // The elements of a set, not of the batch: M is what the sums run over.
  const double m = static_cast<double>(g.size(0) * g.size(2));
  const Tensor factor = reshape(gamma * r / m, {1, -1, 1});
  // gamma is constant within a set and can stand in front. In layer norm it is not: there it has to
  // multiply g first.
  return factor * (g * m - sum(g, set, true) - xhat * sum(g * xhat, set, true));
}
