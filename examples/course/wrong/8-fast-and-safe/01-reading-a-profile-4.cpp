// expect: share of the backward passes alone
//
// The row is slow backward, so its share is taken of the backward column.
#include "course.h"

using namespace gradus;

struct Slowest {
  std::string op;
  double share = 0;
};

/// `loss` runs a forward pass on the current tape and returns a tensor with one element.
Slowest slowest_operation(const std::function<Tensor()>& loss, int steps) {
  Profile profile;
  for (int step = 0; step < steps; ++step) {
    Tape tape({.profile = true});
    tape.backward(loss());
    profile += tape.profile();
  }
  const ProfileRow row = profile.rows[0];
  return {row.op, row.backward.seconds / profile.total().backward.seconds};
}
