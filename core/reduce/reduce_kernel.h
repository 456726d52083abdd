// Reductions. Every sum is cut into pieces of fixed size that are added in a fixed order, so that
// results depend only on the elements of a sum: not on the number of threads, on other outputs, or
// on the memory layout of x.
#pragma once

#include "../simd/isa.h"
#include "../simd/strided.h"

namespace gradus::kernels {

/// What elements are folded into.
enum class Fold {
  sum,              ///< floating-point blockwise, blocks added in double; integers in 64 bits
  squares,          ///< the sum of squares, squared in double; floating-point only
  root_of_squares,  ///< its square root, rounded to T once; floating-point only
  max,
  min,  ///< NaN wins
};

template <class T>
struct Reduce {
  /// One for each Fold: out[i] = fold over j of x[i][j]: `kept` loops over (out, x) in the kept
  /// dimensions, `reduced` over x in the others. Floating-point sums are divided by `divisor`
  /// before they are rounded (for the root: before it is taken). An empty sum is 0; max and min
  /// need at least one element.
  void (*fold[5])(const Loop<2>& kept, const Loop<1>& reduced, double divisor, T* out, const T* x);
};

template <class T>
inline constexpr bool has_plain<Reduce<T>> = true;

}  // namespace gradus::kernels
