// Identities that hold for every norm, every eps and every batch size: docs/normalization.md lists
// and derives them.
#pragma once

#include <cstdint>
#include <span>

#include "nets.h"

namespace gradus::lab {

/// A norm of an input [batch, 4, 3, 3] in float64, in training.
struct NormCase {
  Norm norm;
  double eps;
  int64_t batch;
};

/// One identity: both sides are computed, one by the library.
struct Identity {
  const char* text;
  /// How far they are apart, relative to what is compared; NaN if the norm has nothing of the kind.
  double (*deviation)(const NormCase& c);
};
std::span<const Identity> identities();

}  // namespace gradus::lab
