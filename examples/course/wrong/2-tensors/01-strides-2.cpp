// expect: Was it written to a copy?
// contiguous() makes the simple formula right, and the write useless.
#include "course.h"

using namespace gradus;

/// x[i][j] = value.
void set(Tensor x, int64_t i, int64_t j, double value) {
  Tensor rows = x.contiguous();
  rows.mutable_data<double>()[i * x.shape()[1] + j] = value;
}
