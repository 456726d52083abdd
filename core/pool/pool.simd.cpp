// Compiled once per instruction set; see isa.h.
//
// The definition, as the compiler vectorizes it; and the usual pools, of pairs with stride 2, by
// vectors of our own.
#include <limits>
#include <type_traits>

#include "../simd/kernels_of.h"
#include "../simd/simd.h"
#include "../simd/sizes.h"
#include "pool_plain.h"

namespace gradus::kernels {

namespace {

/// The largest of pairs a, b and where it is: `second` where b wins, which it does if it is larger
/// or the only one that is not a number.
template <class Index>
[[gnu::always_inline]] inline void take_larger(Vector<float>& a, Vector<float> b, Index& at,
                                               Index second) {
  const auto b_wins = ~(b <= a) & (a == a);
  a = b_wins ? b : a;
  at = b_wins ? second : at;
}

/// Two vectors from memory, of which n elements may be read; zeros for the others.
[[gnu::always_inline]] inline void load_two(int64_t n, const float* from, Vector<float>& a,
                                            Vector<float>& b) {
  constexpr int64_t w = width<float>;
  const bool all = n >= 2 * w;
  a = all || n >= w ? load<Vector<float>>(from) : load_first(n, from);
  b = all ? load<Vector<float>>(from + w) : load_first(n > w ? n - w : 0, from + w);
}
/// Writes a vector where n elements may be written.
template <class T>
[[gnu::always_inline]] inline void store_up_to(int64_t n, T* to, Vector<T> v) {
  n >= width<T> ? store(to, v) : store_first<T>(n, to, v);
}

/// Whether windows are adjacent pairs, one after the other.
bool are_pairs(const WindowAxis& axis) {
  bool result = axis.step == 1;
  for (int64_t i = 0; i < axis.out; ++i) {
    result = result && axis.at[i].begin == 2 * i && axis.at[i].end == 2 * i + 2;
  }
  return result;
}

/// Pairs of which averages have the same divisor.
bool are_equal_pairs(const WindowAxis& axis) {
  bool result = are_pairs(axis);
  for (int64_t i = 1; i < axis.out; ++i) {
    result = result && axis.at[i].extent == axis.at[0].extent;
  }
  return result;
}

/// For windows whose columns are pairs. After a row and a plane there are more: those that come
/// later overwrite what is too much.
void max_of_pairs(const Windows& s, float* y, int32_t* index, const float* x) {
  using V = Vector<float>;
  using Index = Vector<int32_t>;
  constexpr int64_t w = width<float>;
  const int64_t in = s.in(), out = s.out(), columns = s.width.out;
  for_planes(s.planes, in, [&](int64_t begin, int64_t end) {
    const Workspace<int64_t> room(s.depth.in * s.height.in);
    for (int64_t plane = begin; plane < end; ++plane) {
      const float* const from = x + plane * in;
      float* const to = y + plane * out;
      int32_t* const place = index + plane * out;
      const int64_t readable = (s.planes - plane) * in, writable = (end - plane) * out;
      for_window_rows(s, room.data(), [=](int64_t i, const Rows& rows, double) {
        for (int64_t j = i; j < i + columns; j += w) {
          V best = broadcast<V>(-std::numeric_limits<float>::infinity());
          Index at = broadcast<Index>(-1);
          for (const int64_t& row : rows) {
            const int64_t k = row + 2 * (j - i);
            V a, b;
            load_two(readable - k, from + k, a, b);
            split(a, b, lanes<float>);
            Index here = 2 * count_up<int32_t>() + broadcast<Index>(static_cast<int32_t>(k));
            take_larger(a, b, here, here + 1);
            if (&row != rows.begin()) {
              take_larger(best, a, at, here);
            } else {
              best = a;
              at = here;
            }
          }
          store_up_to<float>(writable - j, to + j, best);
          store_up_to<int32_t>(writable - j, place + j, at);
        }
      });
    }
  });
}

template <class T>
void max(const Windows& s, T* y, int32_t* index, const T* x) {
  if constexpr (std::is_same_v<T, float>) {
    if (are_pairs(s.width)) return max_of_pairs(s, y, index, x);
  }
  plain_max(s, y, index, x);
}

/// As max_of_pairs.
void average_of_pairs(const Windows& s, float* y, const float* x) {
  using V = Vector<float>;
  const int64_t in = s.in(), out = s.out(), columns = s.width.out;
  for_planes(s.planes, in, [&](int64_t begin, int64_t end) {
    const Workspace<int64_t> room(s.depth.in * s.height.in);
    for (int64_t plane = begin; plane < end; ++plane) {
      const float* const from = x + plane * in;
      float* const to = y + plane * out;
      const int64_t readable = (s.planes - plane) * in, writable = (end - plane) * out;
      for_window_rows(s, room.data(), [=](int64_t i, const Rows& rows, double extent) {
        const V share = broadcast<V>(static_cast<float>(extent * s.width.at[0].extent));
        for (int64_t j = i; j < i + columns; j += width<float>) {
          V sum = {};
          for (const int64_t row : rows) {
            const int64_t k = row + 2 * (j - i);
            V a, b;
            load_two(readable - k, from + k, a, b);
            split(a, b, lanes<float>);
            sum = sum + a + b;
          }
          store_up_to<float>(writable - j, to + j, sum / share);
        }
      });
    }
  });
}

/// The transpose of average_of_pairs, if windows do not overlap.
void spread_to_pairs(const Windows& s, float* dx, const float* g) {
  using V = Vector<float>;
  constexpr int64_t w = width<float>;
  const int64_t in = s.in(), out = s.out(), columns = s.width.out;
  for_planes(s.planes, in, [&](int64_t begin, int64_t end) {
    const Workspace<int64_t> room(s.depth.in * s.height.in);
    for (int64_t plane = begin; plane < end; ++plane) {
      const float* const from = g + plane * out;
      float* const to = dx + plane * in;
      for (int64_t k = 0; k < in; ++k) to[k] = 0;
      const int64_t readable = (s.planes - plane) * out;
      for_window_rows(s, room.data(), [=](int64_t i, const Rows& rows, double extent) {
        const V share = broadcast<V>(static_cast<float>(extent * s.width.at[0].extent));
        for (int64_t j = i; j < i + columns; j += w) {
          const int64_t n = smaller(i + columns - j, w);
          V a = (readable - j >= w ? load<V>(from + j) : load_first(n, from + j)) / share, b = a;
          interleave(a, b, lanes<float>);
          for (const int64_t row : rows) {
            float* const at = to + row + 2 * (j - i);
            store_up_to<float>(2 * n, at, a);
            if (2 * n > w) store_up_to<float>(2 * n - w, at + w, b);
          }
        }
      });
    }
  });
}

/// Whether no two windows see the same element.
bool are_apart(const WindowAxis& axis) {
  bool result = true;
  for (int64_t i = 1; i < axis.out; ++i) {
    result = result && axis.at[i - 1].end <= axis.at[i].begin;
  }
  return result;
}

template <class T>
void average_windows(const Windows& s, T* y, const T* x) {
  if constexpr (std::is_same_v<T, float>) {
    if (are_equal_pairs(s.width)) return average_of_pairs(s, y, x);
  }
  average(s, y, x);
}

template <class T>
void spread_windows(const Windows& s, T* dx, const T* g) {
  if constexpr (std::is_same_v<T, float>) {
    if (are_equal_pairs(s.width) && are_apart(s.height) && are_apart(s.depth)) {
      return spread_to_pairs(s, dx, g);
    }
  }
  spread(s, dx, g);
}

template <class T>
constexpr Pool<T> kernels_of<Pool<T>> = {max<T>, scatter<T>, gather<T>, average_windows<T>,
                                         spread_windows<T>};

}  // namespace

template const Pool<float>& Tables<Isa::GRADUS_ISA>::get();
template const Pool<double>& Tables<Isa::GRADUS_ISA>::get();

}  // namespace gradus::kernels
