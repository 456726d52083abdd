// 2.2  The gradient of a broadcast.
//
// In y = x + b, with x [N, C] and b [C], each element of b is used N times. So its gradient is the
// sum of what arrives at the N places. In general: b was expanded to the shape of y, by adding
// dimensions in front and by repeating dimensions of size 1. Write the way back, for any shapes
// (the library's dim(): number of dimensions; sum(x, {0}, true) keeps a summed dimension as 1):
//
//     g [4, 3] and b [3]     ->  [3]         g [4, 3]    and b [4, 1]  ->  [4, 1]
//     g [4, 3] and b []      ->  []          g [2, 4, 3] and b [4, 1]  ->  [4, 1]
#include "course.h"

using namespace gradus;

/// The gradient of a tensor of this shape, from that of what it was expanded to.
Tensor unbroadcast(Tensor g, const Shape& shape) {
  // TODO: add up what was repeated.
  course::todo("unbroadcast");
}
