// expect: Strides are in elements
// NumPy counts strides in bytes.
#include "course.h"

using namespace gradus;

/// x[i][j] = value.
void set(Tensor x, int64_t i, int64_t j, double value) {
  x.mutable_data<double>()[8 * (i * x.strides()[0] + j * x.strides()[1])] = value;
}
