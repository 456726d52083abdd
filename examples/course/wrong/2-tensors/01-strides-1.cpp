// expect: holds for a matrix in row-major order only
// This is how a matrix is indexed in C, and it works for every tensor that was just made.
#include "course.h"

using namespace gradus;

/// x[i][j] = value.
void set(Tensor x, int64_t i, int64_t j, double value) {
  x.mutable_data<double>()[i * x.shape()[1] + j] = value;
}
