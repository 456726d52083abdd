// Compiled once per instruction set; see isa.h.
#include "../simd/kernels_of.h"
#include "philox_kernel.h"

namespace gradus::kernels {

namespace {

constexpr int64_t batch = Random::batch;

/// The four words of a block are rows here, so that the compiler can work on many blocks at once.
void philox(uint64_t key, uint64_t counter_high, uint64_t first, uint32_t* words) {
  uint32_t c0[batch], c1[batch], c2[batch], c3[batch];
  for (int64_t i = 0; i < batch; ++i) {
    const uint64_t low = first + static_cast<uint64_t>(i);
    c0[i] = static_cast<uint32_t>(low);
    c1[i] = static_cast<uint32_t>(low >> 32);
    c2[i] = static_cast<uint32_t>(counter_high);
    c3[i] = static_cast<uint32_t>(counter_high >> 32);
  }
  uint32_t k0 = static_cast<uint32_t>(key), k1 = static_cast<uint32_t>(key >> 32);
  for (int round = 0; round < 10; ++round) {
    for (int64_t i = 0; i < batch; ++i) {
      const uint64_t p0 = uint64_t{0xD2511F53} * c0[i], p1 = uint64_t{0xCD9E8D57} * c2[i];
      c0[i] = static_cast<uint32_t>(p1 >> 32) ^ c1[i] ^ k0;
      c1[i] = static_cast<uint32_t>(p1);
      c2[i] = static_cast<uint32_t>(p0 >> 32) ^ c3[i] ^ k1;
      c3[i] = static_cast<uint32_t>(p0);
    }
    k0 += 0x9E3779B9;
    k1 += 0xBB67AE85;
  }
  for (int64_t i = 0; i < batch; ++i) {
    words[4 * i] = c0[i];
    words[4 * i + 1] = c1[i];
    words[4 * i + 2] = c2[i];
    words[4 * i + 3] = c3[i];
  }
}

template <class T>
void drop(int64_t n, T* out, const uint32_t* words, uint32_t least, T kept) {
  for (int64_t i = 0; i < n; ++i) out[i] = words[i] < least ? T(0) : kept;
}

template <>
constexpr Random kernels_of<Random> = {philox, drop<float>, drop<double>};

}  // namespace

template const Random& Tables<Isa::GRADUS_ISA>::get();

}  // namespace gradus::kernels
