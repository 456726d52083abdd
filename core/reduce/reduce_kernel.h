// Reductions. Every sum is cut into pieces of fixed size that are added in a fixed order, so that
// results depend on the elements of a sum alone: not on the number of threads, on other outputs, or
// on how x lies in memory.
#pragma once

#include <cstdint>

#include "../simd/isa.h"
#include "../simd/strided.h"

namespace gradus::kernels {

enum class Fold {
  sum,      ///< floating numbers blockwise, blocks added in double; whole numbers in 64 bits
  squares,  ///< the sum of squares, squared in double; floating numbers only
  root_of_squares,  ///< its root, rounded to T once
  max,
  min,  ///< NaN wins
};

template <class T>
struct Reduce {
  /// out[i] = fold over j of x[i][j]: `kept` walks (out, x) over the kept dimensions, `reduced`
  /// walks x over the others. Sums of floating numbers are divided by `divisor` before they are
  /// rounded (for the root: before it is taken). The sum of nothing is 0; max and min need at least
  /// one element.
  void (*reduce)(Fold f, const Loop<2>& kept, const Loop<1>& reduced, double divisor, T* out,
                 const T* x);
};

}  // namespace gradus::kernels
