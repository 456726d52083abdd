// Compiled once per instruction set; see isa.h.
//
// The definition, as the compiler vectorizes it; and the usual max pool, 2x2 with stride 2, by
// vectors of our own.
#include <cstring>
#include <type_traits>
#include <utility>

#include "../simd/kernels_of.h"
#include "../simd/simd.h"
#include "pool_plain.h"

namespace gradus::kernels {

namespace {

template <int... lane>
[[gnu::always_inline]] inline void split(Vector<float>& a, Vector<float>& b,
                                         std::integer_sequence<int, lane...>) {
  const Vector<float> even = __builtin_shufflevector(a, b, (2 * lane)...);
  b = __builtin_shufflevector(a, b, (2 * lane + 1)...);
  a = even;
}

/// The largest of pairs a, b and where it is: `second` where b wins, which it does if it is larger
/// or the only one that is not a number.
template <class Index>
[[gnu::always_inline]] inline void take_larger(Vector<float>& a, Vector<float> b, Index& at,
                                               Index second) {
  const auto b_wins = (b > a) | ((b != b) & (a == a));
  a = b_wins ? b : a;
  at = b_wins ? second : at;
}

/// A vector of outputs in the usual case, 2x2 with stride 2 and no padding, from two vectors of
/// each row; `corner` is the index of the first element.
void max_2x2(const float* top, const float* bottom, int32_t corner, int64_t w, float* y,
             int32_t* index) {
  using V = Vector<float>;
  using Index = Vector<int32_t>;
  constexpr auto lanes = std::make_integer_sequence<int, static_cast<int>(width<float>)>();
  V a = load<V>(top), b = load<V>(top + width<float>);
  V c = load<V>(bottom), d = load<V>(bottom + width<float>);
  split(a, b, lanes);
  split(c, d, lanes);
  Index at = 2 * count_up<int32_t>() + broadcast<Index>(corner);
  Index lower = at + broadcast<Index>(static_cast<int32_t>(w));
  take_larger(a, b, at, at + 1);
  take_larger(c, d, lower, lower + 1);
  take_larger(a, c, at, lower);
  store(y, a);
  store(index, at);
}

struct Plane {
  int64_t h, w, oh, ow;
};

void max_plane_2x2(const Plane& s, float* y, int32_t* index, const float* x) {
  constexpr int64_t w = width<float>;
  for (int64_t i = 0; i < s.oh; ++i) {
    for (int64_t j = 0; j < s.ow; j += w) {
      const int64_t from = 2 * i * s.w + 2 * j, to = i * s.ow + j;
      // Behind a row there is more of the plane: rows that come later write over what is too much.
      if (from + s.w + 2 * w <= s.h * s.w && to + w <= s.oh * s.ow) {
        max_2x2(x + from, x + from + s.w, static_cast<int32_t>(from), s.w, y + to, index + to);
        continue;
      }
      float in[4 * w] = {}, out[w];
      int32_t out_index[w];
      const auto n = static_cast<size_t>(s.ow - j < w ? s.ow - j : w);
      std::memcpy(in, x + from, 2 * n * sizeof(float));
      std::memcpy(in + 2 * w, x + from + s.w, 2 * n * sizeof(float));
      max_2x2(in, in + 2 * w, static_cast<int32_t>(from), s.w, out, out_index);
      std::memcpy(y + to, out, n * sizeof(float));
      std::memcpy(index + to, out_index, n * sizeof(int32_t));
    }
  }
}

/// Whether windows are adjacent pairs, one after the other.
bool are_pairs(const WindowAxis& axis) {
  bool result = axis.step == 1;
  for (int64_t i = 0; i < axis.out; ++i) {
    result = result && axis.at[i].begin == 2 * i && axis.at[i].end == 2 * i + 2;
  }
  return result;
}

template <class T>
void max(const Windows& s, T* y, int32_t* index, const T* x) {
  if constexpr (std::is_same_v<T, float>) {
    const Plane plane{s.height.in, s.width.in, s.height.out, s.width.out};
    const bool is_plane = s.depth.out == 1 && s.depth.at[0].begin == 0 && s.depth.at[0].end == 1;
    if (is_plane && are_pairs(s.height) && are_pairs(s.width)) {
      return for_planes(s.planes, s.in(), [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) {
          const int64_t out = i * plane.oh * plane.ow;
          max_plane_2x2(plane, y + out, index + out, x + i * s.in());
        }
      });
    }
  }
  plain_max(s, y, index, x);
}

template <class T>
constexpr Pool<T> kernels_of<Pool<T>> = {max<T>, scatter<T>, gather<T>, average<T>, spread<T>};

}  // namespace

template const Pool<float>& Tables<Isa::GRADUS_ISA>::get();
template const Pool<double>& Tables<Isa::GRADUS_ISA>::get();

}  // namespace gradus::kernels
