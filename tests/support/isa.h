// Tests that run with every instruction set, and with the plain definitions of operations.
#pragma once

#include <doctest/doctest.h>

#include "../../core/simd/isa.h"

namespace gradus::test {

/// Has kernels run with an instruction set, or the plain definitions, while it lives.
class IsaScope {
 public:
  explicit IsaScope(kernels::Isa isa) { kernels::set_isa(isa); }
  ~IsaScope() { kernels::set_isa(usual_); }
  IsaScope(const IsaScope&) = delete;
  IsaScope& operator=(const IsaScope&) = delete;

 private:
  kernels::Isa usual_ = kernels::isa();
};

/// Calls `body` once with every instruction set of this processor.
template <class Body>
void with_every_isa(const Body& body) {
  using kernels::Isa;
  for (Isa isa : {Isa::baseline, Isa::avx2, Isa::avx512}) {
    if (!kernels::is_supported(isa)) continue;
    CAPTURE(kernels::name_of(isa));
    const IsaScope scope(isa);
    body();
  }
}

/// What `compute` returns with the plain definitions: the oracle of what kernels make.
template <class Compute>
auto plainly(const Compute& compute) {
  const IsaScope scope(kernels::Isa::plain);
  return compute();
}

/// Calls `body` with the plain definitions, and then with every instruction set.
template <class Body>
void with_plain_and_every_isa(const Body& body) {
  {
    CAPTURE("plain");
    const IsaScope scope(kernels::Isa::plain);
    body();
  }
  with_every_isa(body);
}

}  // namespace gradus::test
