// 2.1  Strides.
//
// A tensor is a list of numbers in memory, and a way to find element [i, j] in it: from the first
// element it is i * strides()[0] + j * strides()[1] elements away. Write a number to an element of
// a float64 matrix. The matrix may be a view: the number must arrive in the memory that it shares.
// `x.mutable_data<double>()` is a pointer to element [0, 0]; `x.shape()[1]` is the number of
// columns.
#include "course.h"

using namespace gradus;

/// x[i][j] = value.
void set(Tensor x, int64_t i, int64_t j, double value) {
  // TODO: find the element, and write it. No copy of x, please.
  course::todo("set");
}
