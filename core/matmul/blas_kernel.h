// OpenBLAS, on one thread, for its LAPACK.
#pragma once

#include <string>

namespace gradus::kernels {

/// The function of this name, "dgesv_": OpenBLAS has LAPACK's as well. Null if there is none, or if
/// the library is linked. The first call loads the library; throws Error if it cannot be loaded.
/// Afterwards this thread may call it: there is one thread, and room for its buffer.
void* find_in_blas(const char* name);

/// Version, build options and processor type of the BLAS in use, for a program's first line.
std::string blas_description();

}  // namespace gradus::kernels
