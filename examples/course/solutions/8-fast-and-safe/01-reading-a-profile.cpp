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
  Profile profile;
  for (int step = 0; step < steps; ++step) {
    Tape tape({.profile = true});
    tape.backward(loss());
    profile += tape.profile();  // after backward: before it, half of the time is not there yet
  }
  // Both directions: what is cheap forward may be expensive backward.
  const auto slower = [](const ProfileRow& a, const ProfileRow& b) {
    return a.seconds() < b.seconds();
  };
  const ProfileRow row = *std::max_element(profile.rows.begin(), profile.rows.end(), slower);
  return {row.op, row.seconds() / profile.total().seconds()};
}
