#include "random.h"

#include <cmath>
#include <numbers>

namespace gradus {

namespace {

RandomState seeded(uint64_t seed) {
  return {{Rng(seed, Stream::init), Rng(seed, Stream::shuffle), Rng(seed, Stream::dropout),
           Rng(seed, Stream::augmentation), Rng(seed, Stream::general)}};
}

thread_local RandomState thread_state = seeded(0);

double to_unit(uint32_t high, uint32_t low) {
  const uint64_t bits = (static_cast<uint64_t>(high) << 32 | low) >> 11;
  return static_cast<double>(bits) * 0x1p-53;
}

}  // namespace

std::array<uint32_t, 4> philox(uint64_t key, uint64_t counter_high, uint64_t counter_low) {
  uint32_t k0 = static_cast<uint32_t>(key), k1 = static_cast<uint32_t>(key >> 32);
  uint32_t c0 = static_cast<uint32_t>(counter_low), c1 = static_cast<uint32_t>(counter_low >> 32);
  uint32_t c2 = static_cast<uint32_t>(counter_high), c3 = static_cast<uint32_t>(counter_high >> 32);
  for (int round = 0; round < 10; ++round) {
    const uint64_t p0 = uint64_t{0xD2511F53} * c0, p1 = uint64_t{0xCD9E8D57} * c2;
    c0 = static_cast<uint32_t>(p1 >> 32) ^ c1 ^ k0;
    c1 = static_cast<uint32_t>(p1);
    c2 = static_cast<uint32_t>(p0 >> 32) ^ c3 ^ k1;
    c3 = static_cast<uint32_t>(p0);
    k0 += 0x9E3779B9;
    k1 += 0xBB67AE85;
  }
  return {c0, c1, c2, c3};
}

uint32_t Rng::word_at(uint64_t offset) const {
  const uint64_t i = position + offset;
  return philox(seed, stream, i / 4)[i % 4];
}

uint32_t Rng::next() {
  const uint32_t word = word_at(0);
  ++position;
  return word;
}

double Rng::uniform() {
  const uint32_t high = next();
  return to_unit(high, next());
}

double Rng::normal() {
  const double radius = std::sqrt(-2 * std::log(1 - uniform()));
  return radius * std::cos(2 * std::numbers::pi * uniform());
}

uint64_t Rng::below(uint64_t n) {
  const uint64_t limit = n * (UINT64_MAX / n);  // the largest multiple of n that fits
  for (;;) {
    const uint64_t high = next();
    const uint64_t bits = high << 32 | next();
    if (bits < limit) return bits % n;
  }
}

Rng Rng::take(uint64_t words) {
  const Rng here = *this;
  position += words;
  return here;
}

Rng Rng::fork(uint64_t id) const {
  const auto words = philox(seed, stream ^ 0xF02CULL << 32, id);
  Rng child;
  child.seed = static_cast<uint64_t>(words[0]) << 32 | words[1];
  child.stream = stream;
  return child;
}

void manual_seed(uint64_t seed) {
  thread_state = seeded(seed);
}

Rng& default_rng(Stream stream) {
  return thread_state.streams[static_cast<size_t>(stream)];
}

RandomState random_state() {
  return thread_state;
}

void set_random_state(const RandomState& state) {
  thread_state = state;
}

}  // namespace gradus
