// The least time that work can take on this machine: that of its multiply-adds or of moving its
// bytes, whichever is longer (the roofline model). A convolution that saves multiplications can be
// faster than that.
#pragma once

#include <gradus/core/tape_profile.h>

#include <algorithm>

#include "net_cases.h"

namespace gradus::bench {

inline double limit_seconds(const ProfileCost& cost, const Ceilings& ceilings) {
  const double work = cost.flops / (1e9 * ceilings.gflops);
  const double traffic = cost.bytes / (1e9 * ceilings.gbytes);
  // Bytes that seem to move faster than a copy moves them did not: gradients may be passed on.
  return std::max(work, std::min(traffic, cost.seconds));
}

inline double limit_seconds(const Profile& profile, const Ceilings& ceilings) {
  double seconds = 0;
  for (const ProfileRow& row : profile.rows) {
    seconds += limit_seconds(row.forward, ceilings) + limit_seconds(row.backward, ceilings);
  }
  return seconds;
}

/// A step reads parameters, gradients and states, and writes all but the gradients.
inline double optimizer_limit_seconds(const std::string& type, int64_t parameters,
                                      const Ceilings& ceilings) {
  const int states = type == "adam" ? 2 : 1;
  const double bytes = 4.0 * (3 + 2 * states) * static_cast<double>(parameters);
  return bytes / (1e9 * ceilings.gbytes);
}

}  // namespace gradus::bench
