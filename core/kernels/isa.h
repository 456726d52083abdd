// Instruction sets: kernels are compiled once for each, and the best one is chosen at run time.
#pragma once

#include <utility>

namespace gradus::kernels {

enum class Isa { baseline, avx2, avx512 };

/// The instruction set in use: the best that this processor has, or the one named by the
/// environment variable GRADUS_ISA (baseline, avx2, avx512).
Isa isa();
/// Forces one, for tests. Throws ValueError where this processor or build does not have it.
void set_isa(Isa isa);
bool is_supported(Isa isa);
const char* name_of(Isa isa);

/// Kernel tables of one instruction set. A table is a struct of function pointers, declared in the
/// header of its kernel family; `Tables<I>` is defined by the family's source file, which is
/// compiled with the flags of I.
template <Isa I>
struct Tables {
  template <class Table>
  static const Table& get();
};

/// The table of the instruction set in use: `table<Elementwise<float>>().unary(...)`.
template <class Table>
const Table& table() {
#if defined(__x86_64__)
  if (isa() == Isa::avx512) return Tables<Isa::avx512>::get<Table>();
  if (isa() == Isa::avx2) return Tables<Isa::avx2>::get<Table>();
#endif
  return Tables<Isa::baseline>::get<Table>();
}

}  // namespace gradus::kernels
