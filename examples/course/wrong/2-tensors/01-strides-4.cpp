// expect: The strides are swapped
// "Stride 0" sounds like the distance of columns, the one that changes first.
#include "course.h"

using namespace gradus;

/// x[i][j] = value.
void set(Tensor x, int64_t i, int64_t j, double value) {
  x.mutable_data<double>()[j * x.strides()[0] + i * x.strides()[1]] = value;
}
