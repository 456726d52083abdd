// Tests that run with every instruction set.
#pragma once

#include <doctest/doctest.h>

#include "../../core/simd/isa.h"

namespace gradus::test {

/// Calls `body` once with every instruction set of this processor.
template <class Body>
void with_every_isa(const Body& body) {
  using kernels::Isa;
  struct Restore {
    Isa usual = kernels::isa();
    ~Restore() { kernels::set_isa(usual); }
  } restore;
  for (Isa isa : {Isa::baseline, Isa::avx2, Isa::avx512}) {
    if (!kernels::is_supported(isa)) continue;
    CAPTURE(kernels::name_of(isa));
    kernels::set_isa(isa);
    body();
  }
}

}  // namespace gradus::test
