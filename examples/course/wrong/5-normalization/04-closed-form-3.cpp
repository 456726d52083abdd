// expect: gamma is forgotten
// Tempts because gamma is 1 when training starts.
#include "course.h"

using namespace gradus;

Tensor closed_form(const Tensor& g, const Tensor& xhat, const Tensor& r, const Tensor&) {
  const Dims set = {0, 2};
  const double m = static_cast<double>(g.size(0) * g.size(2));
  const Tensor factor = reshape(r / m, {1, -1, 1});
  return factor * (g * m - sum(g, set, true) - xhat * sum(g * xhat, set, true));
}
