// Compiled once per instruction set; see isa.h.
#include <cstring>
#include <limits>
#include <type_traits>
#include <utility>

#include "../base/parallel_for.h"
#include "../simd/simd.h"
#include "../simd/strided.h"
#include "pool_kernel.h"

namespace gradus::kernels {

namespace {

/// Planes per piece: fixed by their size, never by the number of threads.
int64_t planes_per_piece(int64_t elements) {
  return elements >= elements_per_piece ? 1 : elements_per_piece / (elements > 0 ? elements : 1);
}

/// Calls `body(plane)` for all planes in parallel.
template <class Body>
void for_planes(int64_t planes, int64_t elements, const Body& body) {
  parallel_for(planes, planes_per_piece(elements), [&](int64_t begin, int64_t end) {
    for (int64_t plane = begin; plane < end; ++plane) body(plane);
  });
}

template <class T>
void max_plane(const PoolSizes& s, T* y, int32_t* index, const T* x) {
  for (int64_t oh = 0; oh < s.oh; ++oh) {
    for (int64_t ow = 0; ow < s.ow; ++ow) {
      int64_t best = -1;
      for (int64_t i = 0; i < s.kernel_h; ++i) {
        const int64_t h = oh * s.stride_h + i * s.dilation_h - s.padding_h;
        if (h < 0 || h >= s.h) continue;
        for (int64_t j = 0; j < s.kernel_w; ++j) {
          const int64_t w = ow * s.stride_w + j * s.dilation_w - s.padding_w;
          if (w < 0 || w >= s.w) continue;
          const int64_t here = h * s.w + w;
          const bool wins =
              best < 0 || x[here] > x[best] || (x[here] != x[here] && x[best] == x[best]);
          if (wins) best = here;
        }
      }
      // A dilated window of two can stand with both feet in the padding.
      y[oh * s.ow + ow] = best < 0 ? -std::numeric_limits<T>::infinity() : x[best];
      index[oh * s.ow + ow] = static_cast<int32_t>(best);
    }
  }
}

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

void max_plane_2x2(const PoolSizes& s, float* y, int32_t* index, const float* x) {
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

template <class T>
void max(const PoolSizes& s, T* y, int32_t* index, const T* x) {
  const bool usual = std::is_same_v<T, float> && s.kernel_h == 2 && s.kernel_w == 2 &&
                     s.stride_h == 2 && s.stride_w == 2 && s.padding_h == 0 && s.padding_w == 0 &&
                     s.dilation_h == 1 && s.dilation_w == 1 && 2 * s.oh <= s.h && 2 * s.ow <= s.w;
  for_planes(s.planes, s.h * s.w, [&](int64_t plane) {
    const int64_t out = plane * s.oh * s.ow;
    const T* const from = x + plane * s.h * s.w;
    if constexpr (std::is_same_v<T, float>) {
      if (usual) return max_plane_2x2(s, y + out, index + out, from);
    }
    max_plane(s, y + out, index + out, from);
  });
}

template <class T>
void scatter(int64_t planes, int64_t in, int64_t out, T* dx, const T* g, const int32_t* index) {
  for_planes(planes, in, [=](int64_t plane) {
    T* const to = dx + plane * in;
    for (int64_t i = 0; i < in; ++i) to[i] = 0;
    for (int64_t i = plane * out; i < (plane + 1) * out; ++i) {
      if (index[i] >= 0) to[index[i]] += g[i];
    }
  });
}

template <class T>
void gather(int64_t planes, int64_t in, int64_t out, T* y, const T* x, const int32_t* index) {
  for_planes(planes, out, [=](int64_t plane) {
    const T* const from = x + plane * in;
    for (int64_t i = plane * out; i < (plane + 1) * out; ++i) {
      y[i] = index[i] >= 0 ? from[index[i]] : T(0);
    }
  });
}

template <class T>
void average(const Windows& s, T* y, const T* x) {
  for_planes(s.planes, s.h * s.w, [&](int64_t plane) {
    const T* const from = x + plane * s.h * s.w;
    T* to = y + plane * s.oh * s.ow;
    for (int64_t i = 0; i < s.oh; ++i) {
      for (int64_t j = 0; j < s.ow; ++j) {
        T sum = 0;
        for (int64_t h = s.row_begin[i]; h < s.row_end[i]; ++h) {
          for (int64_t w = s.column_begin[j]; w < s.column_end[j]; ++w) sum += from[h * s.w + w];
        }
        *to++ = sum / static_cast<T>(s.row_extent[i] * s.column_extent[j]);
      }
    }
  });
}

template <class T>
void spread(const Windows& s, T* dx, const T* g) {
  for_planes(s.planes, s.h * s.w, [&](int64_t plane) {
    T* const to = dx + plane * s.h * s.w;
    const T* from = g + plane * s.oh * s.ow;
    for (int64_t i = 0; i < s.h * s.w; ++i) to[i] = 0;
    for (int64_t i = 0; i < s.oh; ++i) {
      for (int64_t j = 0; j < s.ow; ++j) {
        const T share = *from++ / static_cast<T>(s.row_extent[i] * s.column_extent[j]);
        for (int64_t h = s.row_begin[i]; h < s.row_end[i]; ++h) {
          for (int64_t w = s.column_begin[j]; w < s.column_end[j]; ++w) to[h * s.w + w] += share;
        }
      }
    }
  });
}

template <class T>
constexpr Pool<T> pool_table = {max<T>, scatter<T>, gather<T>, average<T>, spread<T>};

}  // namespace

template <>
template <>
const Pool<float>& Tables<Isa::GRADUS_ISA>::get() {
  return pool_table<float>;
}
template <>
template <>
const Pool<double>& Tables<Isa::GRADUS_ISA>::get() {
  return pool_table<double>;
}

}  // namespace gradus::kernels
