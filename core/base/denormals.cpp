#include "denormals.h"

#include <atomic>

namespace gradus {

namespace {

std::atomic<bool> flushing = true;

// The register that controls arithmetic, and its bits that flush operands and results to zero.
#if defined(__x86_64__)
constexpr uint64_t flush_bits = 1 << 6 | 1 << 15;  // DAZ, FTZ
uint64_t control_register() {
  return __builtin_ia32_stmxcsr();
}
void set_control_register(uint64_t value) {
  __builtin_ia32_ldmxcsr(static_cast<unsigned>(value));
}
#elif defined(__aarch64__)
constexpr uint64_t flush_bits = 1 << 24;  // FZ
uint64_t control_register() {
  uint64_t value = 0;
  asm volatile("mrs %0, fpcr" : "=r"(value));
  return value;
}
void set_control_register(uint64_t value) {
  asm volatile("msr fpcr, %0" : : "r"(value));
}
#else
constexpr uint64_t flush_bits = 0;
uint64_t control_register() {
  return 0;
}
void set_control_register(uint64_t) {}
#endif

/// Sets the bits that flush, and leaves the others. Writing the register is slow, reading it is
/// not.
void set_mode(uint64_t mode) {
  const uint64_t value = control_register();
  if ((value & flush_bits) != mode) set_control_register((value & ~flush_bits) | mode);
}

}  // namespace

bool flush_denormals() {
  return flushing.load(std::memory_order_relaxed);
}
void set_flush_denormals(bool on) {
  flushing.store(on, std::memory_order_relaxed);
}

DenormalScope::DenormalScope() noexcept : before_(control_register() & flush_bits) {
  set_mode(flush_denormals() ? flush_bits : 0);
}
DenormalScope::~DenormalScope() {
  set_mode(before_);
}

}  // namespace gradus
