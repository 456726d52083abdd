// Instruction sets: kernels are compiled once for each, and the best one is chosen at run time.
#pragma once

namespace gradus::kernels {

/// What runs: the plain definitions of `*_plain.cpp` if a family has them (else baseline), or the
/// kernels compiled for an instruction set.
enum class Isa { plain, baseline, avx2, avx512 };

/// The instruction set in use: the best that this processor supports, or the one named by the
/// environment variable GRADUS_ISA (plain, baseline, avx2, avx512). GRADUS_PLAIN=1 means plain.
Isa isa();
/// Forces one, for tests. Throws ValueError if this processor or build does not support it.
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

/// Whether `Tables<Isa::plain>` has this table: the family's header declares so next to the struct,
/// `template <class T> inline constexpr bool has_plain<Conv<T>> = true;`, and its *_plain.cpp
/// defines it.
template <class Table>
inline constexpr bool has_plain = false;

/// The table of the instruction set in use: `table<Elementwise<float>>().unary(...)`.
template <class Table>
const Table& table() {
  if constexpr (has_plain<Table>) {
    if (isa() == Isa::plain) return Tables<Isa::plain>::get<Table>();
  }
#if defined(__x86_64__) && !defined(GRADUS_BASELINE_ONLY)
  if (isa() == Isa::avx512) return Tables<Isa::avx512>::get<Table>();
  if (isa() == Isa::avx2) return Tables<Isa::avx2>::get<Table>();
#endif
  return Tables<Isa::baseline>::get<Table>();
}

}  // namespace gradus::kernels
