// Numbers too small for full precision, with which most processors are slow.
#pragma once

#include <cstdint>

namespace gradus {

/// Whether kernels treat denormal numbers (below 1.2e-38 in float32, 2.2e-308 in float64) as zero,
/// both those that they read and those that they would write. By default they do: processors take
/// up to a hundred times as long for an operation with a denormal number, and optimizer states
/// become denormal when gradients fade away.
bool flush_denormals();
/// Sets it for the whole process: with `on` false, kernels compute with gradual underflow, as in
/// IEEE 754. It applies to all kernels and their threads, whatever the mode of the calling thread,
/// which is restored when a kernel is done. Operations that only move numbers (copies, views,
/// files, printing, item()) keep denormal ones. On processors other than x86-64 and AArch64,
/// kernels use the processor's default.
void set_flush_denormals(bool on);

/// During its lifetime, its thread treats denormal numbers as flush_denormals() says.
class DenormalScope {
 public:
  DenormalScope() noexcept;
  ~DenormalScope();
  DenormalScope(const DenormalScope&) = delete;
  DenormalScope& operator=(const DenormalScope&) = delete;

 private:
  uint64_t before_;
};

}  // namespace gradus
