#include "random_kernel.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "../base/parallel_for.h"
#include "../simd/strided.h"
#include "philox_kernel.h"

namespace gradus::kernels {

namespace {

/// Calls `numbers(first, count, words)` for runs that cover 0 ... n - 1, with `per_number` random
/// words of g (1, 2 or 4) for each.
template <int per_number, class F>
void draw(int64_t n, const Rng& g, const F& numbers) {
  // Of a batch, all but one block: a run need not begin where a block does.
  constexpr int64_t run = 4 * (Random::batch - 1) / per_number;
  const auto& random = table<Random>();
  parallel_for(n, elements_per_piece, [&](int64_t begin, int64_t end) {
    uint32_t words[4 * Random::batch];
    for (int64_t i = begin; i < end; i += run) {
      const uint64_t word = g.position + static_cast<uint64_t>(i * per_number);
      random.philox(g.seed, g.stream, word / 4, words);
      numbers(i, std::min(run, end - i), words + word % 4);
    }
  });
}

/// Uniform in [0, 1): 24 bits for float, 53 for double.
float unit(const uint32_t* words, float) {
  return static_cast<float>(words[0] >> 8) * 0x1p-24F;
}
double unit(const uint32_t* words, double) {
  const uint64_t bits = (static_cast<uint64_t>(words[0]) << 32 | words[1]) >> 11;
  return static_cast<double>(bits) * 0x1p-53;
}

template <class T>
constexpr int words_per = sizeof(T) / 4;

}  // namespace

void fill_uniform(int64_t n, DType dtype, void* out, const Rng& g, double lo, double hi) {
  dispatch_floating("rand", dtype, [&]<class T>() {
    const T below_hi = std::nextafter(static_cast<T>(hi), static_cast<T>(lo));
    draw<words_per<T>>(n, g, [=](int64_t first, int64_t count, const uint32_t* words) {
      for (int64_t i = 0; i < count; ++i) {
        const double v = lo + (hi - lo) * static_cast<double>(unit(words + i * words_per<T>, T()));
        static_cast<T*>(out)[first + i] = std::min(static_cast<T>(v), below_hi);
      }
    });
  });
}

void fill_normal(int64_t n, DType dtype, void* out, const Rng& g) {
  dispatch_floating("randn", dtype, [&]<class T>() {
    draw<2 * words_per<T>>(n, g, [=](int64_t first, int64_t count, const uint32_t* words) {
      for (int64_t i = 0; i < count; ++i, words += 2 * words_per<T>) {
        const double u = 1 - static_cast<double>(unit(words, T()));  // never 0
        const double v = static_cast<double>(unit(words + words_per<T>, T()));
        static_cast<T*>(out)[first + i] =
            static_cast<T>(std::sqrt(-2 * std::log(u)) * std::cos(2 * std::numbers::pi * v));
      }
    });
  });
}

void fill_dropout(int64_t n, DType dtype, void* out, const Rng& g, double p) {
  const double threshold = std::ceil(p * 0x1p32);  // words below it drop, which may be all
  const auto least = static_cast<uint32_t>(std::min(threshold, 0x1p32 - 1));
  const double kept = p < 1 ? 1 / (1 - p) : 0;
  const Random& random = table<Random>();
  draw<1>(n, g, [&](int64_t first, int64_t count, const uint32_t* words) {
    if (dtype == DType::float32) {
      random.drop_float(count, static_cast<float*>(out) + first, words, least,
                        static_cast<float>(kept));
    } else {
      random.drop_double(count, static_cast<double*>(out) + first, words, least, kept);
    }
  });
}

}  // namespace gradus::kernels
