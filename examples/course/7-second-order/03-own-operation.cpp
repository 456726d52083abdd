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
  // TODO: record() it: what to save, and the rule.
  course::todo("the entry and its rule");
}
