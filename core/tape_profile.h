// Where the time of a tape went, and how close that is to what the machine can do.
//
//     Tape tape({.profile = true});
//     tape.backward(nn::cross_entropy(net(x), y));
//     tape.profile().print(std::cout, measure_ceilings());
#pragma once

#include <cstdint>
#include <iosfwd>
#include <string>
#include <vector>

#include "tape.h"

namespace gradus {

/// The most that a machine achieves, in work and in traffic. 0 means unknown.
struct Ceilings {
  double gflops = 0;  ///< 1e9 floating-point operations per second
  double gbytes = 0;  ///< 1e9 bytes per second, read and written
};

/// Measures them on num_threads() threads, in some 50 ms: the product of two float32 matrices of
/// 768 x 768, and a copy of 8 MiB, about a layer's activations. If the caches hold that much, such
/// a copy is faster than main memory, as are the layers.
Ceilings measure_ceilings();

/// Time and work of one direction, forward or backward.
///
/// Work and traffic are estimates. Forward, an operation's FLOPs are its own count, and its bytes
/// those of inputs and output. Backward, the gradient of each input counts as many FLOPs as the
/// forward pass (of 1-d inputs, such as biases: none), and the bytes are those of the output's
/// gradient, of what was saved, and of the inputs' gradients. Views move nothing.
struct ProfileCost {
  double seconds = 0;  ///< measured
  double flops = 0;    ///< floating-point operations, estimated
  double bytes = 0;    ///< read and written, estimated

  double gflops() const { return seconds > 0 ? flops / seconds * 1e-9 : 0; }
  double gbytes() const { return seconds > 0 ? bytes / seconds * 1e-9 : 0; }
  /// The time that the work or the traffic takes at the ceiling, whichever is longer, as a share of
  /// the time taken (the roofline model: Williams et al., CACM 52(4), 2009). 0 if unknown.
  double share_of(const Ceilings& ceilings) const;
  ProfileCost& operator+=(const ProfileCost& other);
};

/// One operation, or one operation of one module, in a Profile.
struct ProfileRow {
  std::string op;                 ///< "conv2d"
  std::string module;             ///< with ProfileBy::module; else empty
  int64_t calls = 0;              ///< entries on the tape
  ProfileCost forward, backward;  ///< of all calls together
  int64_t saved_bytes = 0;        ///< kept for the backward pass, by all calls together

  double seconds() const { return forward.seconds + backward.seconds; }
  ProfileRow& operator+=(const ProfileRow& other);
};

/// The result of Tape::profile(): a value, which may outlive the tape and can be added up over
/// steps.
///
/// The forward time of an operation is the time since the previous event on its tape (the tape's
/// start, another operation, the end of a replay), so it includes what the program did in between.
/// Its backward time is that of its rule and of adding up the resulting gradients. Operations that
/// a rule records (create_graph) count their own time as forward. No time is counted twice.
struct Profile {
  std::vector<ProfileRow> rows;  ///< by time, longest first

  /// The sum of all rows, called "total".
  ProfileRow total() const;
  /// Adds the rows of another profile to those of the same operation and module.
  Profile& operator+=(const Profile& other);
  /// A table: milliseconds, rates and, if ceilings are given, the share of them, per row and in
  /// total; the share of the total time; bytes saved for the backward pass.
  void print(std::ostream& out, const Ceilings& ceilings = {}) const;
  std::string to_string(const Ceilings& ceilings = {}) const;
};
/// Writes the table without ceilings.
std::ostream& operator<<(std::ostream& out, const Profile& profile);

}  // namespace gradus
