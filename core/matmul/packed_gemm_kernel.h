// The matrix product behind gemm().
#pragma once

#include "../simd/isa.h"
#include "gemm_kernel.h"

namespace gradus::kernels {

template <class T>
struct PackedGemm {
  /// No size is 0. Every element is a sum over k in order, in runs of the same length whatever m
  /// and n are.
  void (*multiply)(const MatrixProduct<T>& p);
};
template <class T>
inline constexpr bool has_plain<PackedGemm<T>> = true;  // matmul_plain.cpp

}  // namespace gradus::kernels
