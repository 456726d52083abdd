#include "isa.h"

#include <atomic>
#include <cstdlib>
#include <string_view>

#include "../base/error.h"

namespace gradus::kernels {

namespace {

Isa best_supported() {
  if (is_supported(Isa::avx512)) return Isa::avx512;
  return is_supported(Isa::avx2) ? Isa::avx2 : Isa::baseline;
}

Isa checked(Isa isa) {
  if (!is_supported(isa)) {
    throw ValueError("set_isa", str("this processor does not have ", name_of(isa)),
                     str("the best it has is ", name_of(best_supported())));
  }
  return isa;
}

Isa initial() {
  const char* const plain = std::getenv("GRADUS_PLAIN");
  if (plain != nullptr && std::string_view(plain) == "1") return Isa::plain;
  const char* text = std::getenv("GRADUS_ISA");
  if (text == nullptr) return best_supported();
  for (Isa isa : {Isa::plain, Isa::baseline, Isa::avx2, Isa::avx512}) {
    if (std::string_view(text) == name_of(isa)) return checked(isa);
  }
  throw ValueError("set_isa", str("GRADUS_ISA is '", text, "'"),
                   "it must be plain, baseline, avx2 or avx512");
}

constexpr int nothing_yet = -1;
std::atomic<int> chosen = nothing_yet;

}  // namespace

Isa isa() {
  int found = chosen.load(std::memory_order_relaxed);
  if (found == nothing_yet) {  // no lock, which the child of a fork might find held
    const int usual = static_cast<int>(initial());
    if (chosen.compare_exchange_strong(found, usual)) found = usual;
  }
  return static_cast<Isa>(found);
}
void set_isa(Isa isa) {
  chosen.store(static_cast<int>(checked(isa)), std::memory_order_relaxed);
}

bool is_supported([[maybe_unused]] Isa isa) {
#if defined(__x86_64__) && !defined(GRADUS_BASELINE_ONLY)
  const bool has_avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  if (isa == Isa::avx2) return has_avx2;
  if (isa == Isa::avx512) {
    return has_avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  }
#endif
  return isa <= Isa::baseline;
}

const char* name_of(Isa isa) {
  constexpr const char* names[] = {"plain", "baseline", "avx2", "avx512"};
  return names[static_cast<size_t>(isa)];
}

}  // namespace gradus::kernels
