// Numbers too small for full precision, which most processors are slow with.
#pragma once

#include <cstdint>

namespace gradus {

/// Whether kernels take denormal numbers for zero (below 1.2e-38 in float32, 2.2e-308 in float64),
/// both those that they read and those that they would write. At the start they do: processors take
/// up to a hundred times as long for an operation with a denormal number, and states of optimizers
/// get there when gradients fade away.
bool flush_denormals();
/// Sets it for the whole process: with `on` false kernels compute with gradual underflow, as IEEE
/// 754 has it. It counts for all kernels and all their threads, whatever the mode of the thread
/// that calls them; that mode is what it was again when a kernel is done. What only moves numbers
/// (copies, views, files, printing, item()) keeps denormal ones. On processors other than x86-64
/// and AArch64, kernels compute as the processor does by itself.
void set_flush_denormals(bool on);

/// While it lives, its thread treats denormal numbers as flush_denormals() says.
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
