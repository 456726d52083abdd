// 2.1  Strides.
#include "course.h"

using namespace gradus;

/// x[i][j] = value.
void set(Tensor x, int64_t i, int64_t j, double value) {
  // Elements, not bytes: the pointer's type does the rest. Nothing here asks whether x is a view,
  // as every tensor is one: strides that fit a row-major matrix are just a common case.
  x.mutable_data<double>()[i * x.strides()[0] + j * x.strides()[1]] = value;
}
