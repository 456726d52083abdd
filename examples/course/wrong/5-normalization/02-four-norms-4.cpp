// expect: That is batch norm: the samples of the batch are mixed
// Tempts because "for each channel" is half of what instance norm does.
#include "course.h"

using namespace gradus;

enum class Norm { batch, layer, instance, group };

struct Sets {
  Shape view;  // with as many elements as x
  Dims dims;   // of the view
};

Sets sets_of(Norm norm, const Shape& x, int64_t groups) {
  if (norm == Norm::batch) return {x, {0, 2, 3}};
  if (norm == Norm::layer) return {x, {1, 2, 3}};
  if (norm == Norm::instance) return {x, {0, 2, 3}};
  return {{x[0], groups, x[1] / groups, x[2], x[3]}, {2, 3, 4}};
}

Tensor normalize(const Tensor& x, const Sets& sets, double eps) {
  const Tensor seen = reshape(x, sets.view);
  const Tensor centred = seen - mean(seen, sets.dims, true);
  const Tensor v = mean(square(centred), sets.dims, true);
  return reshape(centred * rsqrt(v + eps), x.shape());
}
