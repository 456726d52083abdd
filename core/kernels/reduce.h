// Reductions. Every sum is cut into blocks of fixed size that are added in a fixed order, so that
// results do not depend on the number of threads.
#pragma once

#include <cstdint>

#include "isa.h"
#include "strided.h"

namespace gradus::kernels {

template <class T>
struct Reduce {
  /// out[i] = sum over j of x[i][j]: `kept` walks (out, x) over the kept dimensions, `reduced`
  /// walks x over the others. Floating sums are taken blockwise, blocks added in double.
  void (*sum)(const Loop<2>& kept, const Loop<1>& reduced, T* out, const T* x);
};

}  // namespace gradus::kernels
