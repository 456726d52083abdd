// Blocks of random words.
#pragma once

#include <cstdint>

#include "../simd/isa.h"

namespace gradus::kernels {

/// Many blocks of the Philox4x32-10 generator at once; see base/random.h.
struct Random {
  static constexpr int64_t batch = 64;
  /// words[4 i ... 4 i + 3] = philox(key, counter_high, first + i) for i < batch.
  void (*philox)(uint64_t key, uint64_t counter_high, uint64_t first, uint32_t* words);
  /// out[i] = 0 where words[i] < least, else `kept`.
  void (*drop_float)(int64_t n, float* out, const uint32_t* words, uint32_t least, float kept);
  void (*drop_double)(int64_t n, double* out, const uint32_t* words, uint32_t least, double kept);
};

}  // namespace gradus::kernels
