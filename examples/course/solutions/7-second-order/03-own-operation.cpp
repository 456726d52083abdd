// 7.3  An operation with a rule of its own.
//
// normalize_rows divides each row of x [N, D] by its length: y = x / |x|. Its rule is
//
//     dx = (g - y (y . g)) / |x|        y . g, and |x|: one number per row
//
// Record it as one entry of the tape, "normalize_rows", so that it can be differentiated twice:
// what a rule computes from saved tensors is recorded again, and the tape knows of a saved tensor
// how it was computed only if that is an input or the output of the entry.
#include "course.h"

using namespace gradus;

/// Each row of x [N, D] divided by its length.
Tensor normalize_rows(const Tensor& x) {
  Tensor y;
  {
    const NoGrad pause;  // the steps in here are not recorded
    y = x / norm(x, {1}, 2, true);
  }
  // Only x and y are saved: one is the input, the other the output, so both are known to the tape.
  return record("normalize_rows", inputs(x), y, saved(x, y),
                [](const TensorList& s, const Tensor& g) {
                  // Computed once more, here. When the rule itself is recorded, the tape sees how
                  // it depends on x.
                  const Tensor length = norm(s[0], {1}, 2, true);
                  return (g - s[1] * sum(s[1] * g, {1}, true)) / length;
                });
}
