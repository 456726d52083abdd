#include "copy_kernel.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <limits>
#include <numbers>
#include <type_traits>
#include <utility>

#include "../base/parallel_for.h"
#include "../random/random_kernel.h"
#include "../simd/parallel_rows.h"

namespace gradus::kernels {

namespace {

/// Word (4, 8 or 1 bytes) by word: the type does not matter for a copy.
template <class Word>
void copy_words(const Loop<2>& loop, void* out, const void* x) {
  parallel_rows(loop, [&](const int64_t* offset, int64_t n) {
    Word* o = static_cast<Word*>(out) + offset[0];
    const Word* a = static_cast<const Word*>(x) + offset[1];
    const int64_t so = loop.stride[0][0], sx = loop.stride[1][0];
    if (so == 1 && sx == 1) {
      std::memcpy(o, a, static_cast<size_t>(n) * sizeof(Word));
    } else {
      for (int64_t i = 0; i < n; ++i) o[i * so] = a[i * sx];
    }
  });
}

}  // namespace

void copy(const Loop<2>& loop, DType dtype, void* out, const void* x) {
  switch (size_of(dtype)) {
    case 1:
      return copy_words<uint8_t>(loop, out, x);
    case 4:
      return copy_words<uint32_t>(loop, out, x);
    default:
      return copy_words<uint64_t>(loop, out, x);
  }
}

namespace {

/// Whether a cast changes no more than to cut off a fraction.
template <class To, class From>
bool fits(From value) {
  if constexpr (!std::is_integral_v<To> || std::is_same_v<To, bool> || std::is_same_v<From, bool>) {
    return true;
  } else if constexpr (std::is_integral_v<From>) {
    return std::in_range<To>(value);
  } else {
    constexpr To half_range = std::numeric_limits<To>::max() / 2 + 1;
    constexpr double half = static_cast<double>(half_range);
    constexpr double least = static_cast<double>(std::numeric_limits<To>::min());
    const double whole = std::trunc(static_cast<double>(value));
    return whole >= least && whole < 2 * half;
  }
}

}  // namespace

bool convert(const Loop<2>& loop, DType to, void* out, DType from, const void* x) {
  std::atomic<bool> all_fit = true;
  dispatch_all("to", to, [&]<class To>() {
    dispatch_all("to", from, [&]<class From>() {
      parallel_rows(loop, [&](const int64_t* offset, int64_t n) {
        To* o = static_cast<To*>(out) + offset[0];
        const From* a = static_cast<const From*>(x) + offset[1];
        const int64_t so = loop.stride[0][0], sx = loop.stride[1][0];
        for (int64_t i = 0; i < n; ++i) {
          if constexpr (std::is_same_v<To, bool>) {
            o[i * so] = a[i * sx] != From(0);
          } else if (fits<To>(a[i * sx])) {
            o[i * so] = static_cast<To>(a[i * sx]);
          } else {
            all_fit.store(false, std::memory_order_relaxed);
          }
        }
      });
    });
  });
  return all_fit;
}

void fill(const Loop<1>& loop, DType dtype, void* out, double value) {
  dispatch_all("fill", dtype, [&]<class T>() {
    const T v = static_cast<T>(value);
    parallel_rows(loop, [&](const int64_t* offset, int64_t n) {
      T* o = static_cast<T*>(out) + offset[0];
      for (int64_t i = 0; i < n; ++i) o[i * loop.stride[0][0]] = v;
    });
  });
}

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

template <class T>
void fill_uniform(int64_t n, T* out, const Rng& g, double lo, double hi) {
  const T below_hi = std::nextafter(static_cast<T>(hi), static_cast<T>(lo));
  draw<words_per<T>>(n, g, [=](int64_t first, int64_t count, const uint32_t* words) {
    for (int64_t i = 0; i < count; ++i) {
      const double v = lo + (hi - lo) * static_cast<double>(unit(words + i * words_per<T>, T()));
      out[first + i] = std::min(static_cast<T>(v), below_hi);
    }
  });
}

template <class T>
void fill_normal(int64_t n, T* out, const Rng& g) {
  draw<2 * words_per<T>>(n, g, [=](int64_t first, int64_t count, const uint32_t* words) {
    for (int64_t i = 0; i < count; ++i, words += 2 * words_per<T>) {
      const double u = 1 - static_cast<double>(unit(words, T()));  // never 0
      const double v = static_cast<double>(unit(words + words_per<T>, T()));
      out[first + i] =
          static_cast<T>(std::sqrt(-2 * std::log(u)) * std::cos(2 * std::numbers::pi * v));
    }
  });
}

template <class T>
void fill_dropout(int64_t n, T* out, const Rng& g, double p, double scale) {
  const double threshold = std::ceil(p * 0x1p32);  // words below it drop, which may be all
  const auto least = static_cast<uint32_t>(std::min(threshold, 0x1p32 - 1));
  const T kept = p < 1 ? static_cast<T>(scale) : T(0);
  const Random& random = table<Random>();
  draw<1>(n, g, [&](int64_t first, int64_t count, const uint32_t* words) {
    if constexpr (std::is_same_v<T, float>) {
      random.drop_float(count, out + first, words, least, kept);
    } else {
      random.drop_double(count, out + first, words, least, kept);
    }
  });
}

template void fill_uniform(int64_t, float*, const Rng&, double, double);
template void fill_uniform(int64_t, double*, const Rng&, double, double);
template void fill_normal(int64_t, float*, const Rng&);
template void fill_normal(int64_t, double*, const Rng&);
template void fill_dropout(int64_t, float*, const Rng&, double, double);
template void fill_dropout(int64_t, double*, const Rng&, double, double);

}  // namespace gradus::kernels
