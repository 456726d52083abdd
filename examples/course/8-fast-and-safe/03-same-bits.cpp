// 8.3  A parallel sum with the same bits on any number of threads.
//
// Floats are rounded after every addition, so the sum depends on the order. Add up n floats on
// several threads in such a way that the order depends on n alone: cut them into pieces of a fixed
// size, sum each piece on its own, from left to right, and add up the partial sums in their order.
//
// parallel_for(n, piece, body) calls body(begin, end) for [0, piece), [piece, 2 piece), ... on all
// threads, in any order, several at once.
#include "course.h"

using namespace gradus;

constexpr int64_t piece = 4096;

/// The sum of x[0] ... x[n - 1]; 0 if n is 0. The partial sums are floats, too.
float parallel_sum(const float* x, int64_t n) {
  // TODO: a partial sum for each piece, in parallel; then their sum.
  course::todo("the parallel sum");
}
