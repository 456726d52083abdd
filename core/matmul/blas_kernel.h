// OpenBLAS, on one thread.
#pragma once

#include <string>

#include "gemm_kernel.h"

namespace gradus::kernels {

/// The product; the first call loads the library. Throws ShapeError for sizes beyond BLAS's
/// integers, Error if it cannot be loaded.
template <class T>
void blas_gemm(const MatrixProduct<T>& p);

/// The function of this name, "dgesv_": OpenBLAS has LAPACK's as well. Null if there is none, or if
/// the library is linked. Afterwards this thread may call it: there is one thread, and room for its
/// buffer.
void* find_in_blas(const char* name);

/// Version, build options and processor type of the BLAS in use, for a program's first line.
std::string blas_description();

}  // namespace gradus::kernels
