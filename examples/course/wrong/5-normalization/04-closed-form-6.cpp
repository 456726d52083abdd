// expect: Mean and variance are taken for constants
// Tempts because in evaluation they are.
#include "course.h"

using namespace gradus;

Tensor closed_form(const Tensor& g, const Tensor&, const Tensor& r, const Tensor& gamma) {
  const double m = static_cast<double>(g.size(0) * g.size(2));
  const Tensor factor = reshape(gamma * r / m, {1, -1, 1});
  return factor * (g * m);
}
