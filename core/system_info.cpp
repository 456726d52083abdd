#include "system_info.h"

#include "matmul/blas_kernel.h"
#include "simd/isa.h"

namespace gradus {

SystemInfo system_info() {
#ifdef __OPTIMIZE__
  constexpr bool optimized = true;
#else
  constexpr bool optimized = false;
#endif
  return {GRADUS_VERSION, kernels::name_of(kernels::isa()), kernels::blas_description(), optimized};
}

}  // namespace gradus
