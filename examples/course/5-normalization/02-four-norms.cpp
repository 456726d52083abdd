// 5.2  Four norms, one formula.
//
// Batch, layer, instance and group norm differ only in which elements form a set. `normalize` below
// is all four of them: it looks at x [N, C, H, W] in the shape `view` and gives every set that runs
// over `dims` of that view mean 0 and variance 1. Say what view and dims are for each norm:
//     batch     each channel            layer     each sample
//     instance  each channel of each sample
//     group     each group of C / groups neighbouring channels, of each sample
#include "course.h"

using namespace gradus;

enum class Norm { batch, layer, instance, group };

struct Sets {
  Shape view;  // with as many elements as x
  Dims dims;   // of the view
};

/// The sets of a norm for an input of shape `x`; `groups` counts for Norm::group only.
Sets sets_of(Norm norm, const Shape& x, int64_t groups) {
  // TODO: three of them need no other view than x itself.
  course::todo("the sets of the four norms");
}

Tensor normalize(const Tensor& x, const Sets& sets, double eps) {
  const Tensor seen = reshape(x, sets.view);
  const Tensor centred = seen - mean(seen, sets.dims, true);
  const Tensor v = mean(square(centred), sets.dims, true);
  return reshape(centred * rsqrt(v + eps), x.shape());
}
