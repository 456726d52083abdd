// Elementwise maps over strided operands. Outputs may be strided too; no operand overlaps another
// unless it is the same memory with the same strides.
#pragma once

#include "../simd/isa.h"
#include "../simd/strided.h"
#include "functions_kernel.h"

namespace gradus::kernels {

template <class T>
struct Elementwise {
  /// The rows of each table that are defined for T, by their places; else nullptr.
  /// @{
  void (*unary[decltype(unary_functions)::count])(const Loop<2>& loop, T* out, const T* x,
                                                  const double* constants);
  void (*binary[decltype(binary_functions)::count])(const Loop<3>& loop, T* out, const T* a,
                                                    const T* b);
  void (*compare[decltype(comparisons)::count])(const Loop<3>& loop, bool* out, const T* a,
                                                const T* b);
  /// @}
  /// out = condition ? a : b, of conditions as bytes.
  void (*where)(const Loop<4>& loop, T* out, const uint8_t* condition, const T* a, const T* b);
  /// out += alpha * x
  void (*axpy)(const Loop<2>& loop, T* out, const T* x, double alpha);
  bool (*all_finite)(const Loop<1>& loop, const T* x);
};

}  // namespace gradus::kernels
