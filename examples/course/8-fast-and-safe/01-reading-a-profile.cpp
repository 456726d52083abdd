// 8.1  Where the time goes.
//
// Run `steps` steps, each on a profiling tape of its own, forward and backward, and add up their
// profiles. Return the operation that took most time, forward and backward together, and its share
// of the time of all operations, between 0 and 1.
//
// Tape tape({.profile = true}) times each operation; tape.profile() has a row for each, with
// forward.seconds and backward.seconds. Profiles can be added: a += b.
#include "course.h"

using namespace gradus;

struct Slowest {
  std::string op;
  double share = 0;
};

/// `loss` runs a forward pass on the current tape and returns a tensor with one element.
Slowest slowest_operation(const std::function<Tensor()>& loss, int steps) {
  // TODO: add up the profiles of all steps; find the row, and its share of the total.
  course::todo("the slowest operation and its share");
}
