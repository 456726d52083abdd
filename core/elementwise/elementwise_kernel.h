// Elementwise maps over strided operands. Outputs may be strided too; no operand overlaps another
// unless it is the same memory with the same strides.
#pragma once

#include "../simd/isa.h"
#include "../simd/strided.h"
#include "functions_kernel.h"

namespace gradus::kernels {

template <class T>
struct Elementwise {
  /// out = f(x), f being the row of unary_functions in this place, which must be defined for T.
  void (*unary)(int place, const Loop<2>& loop, T* out, const T* x, const double* constants);
  /// Its rule, from the gradient g of the result and what was saved. For floating-point types and
  /// rows that save something.
  void (*gradient)(int place, const Loop<3>& loop, T* out, const T* g, const T* saved,
                   const double* constants);
  /// The rows of each table by their places; those not defined for T do nothing.
  /// @{
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
