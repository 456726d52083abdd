// expect: forward.seconds alone
//
// The first column of the table is the forward time.
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
  ProfileRow most;
  for (const ProfileRow& row : profile.rows)
    if (row.forward.seconds > most.forward.seconds) most = row;
  return {most.op, most.forward.seconds / profile.total().forward.seconds};
}
