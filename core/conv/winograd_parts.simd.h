// The parts of Winograd's algorithm: planes as pixels of a vector of channels, the transforms, and
// how a convolution is divided into tiles. For files that are compiled once per instruction set:
// everything is local to the file that includes it.
#pragma once

#include <bit>

#include "../simd/simd.h"
#include "../simd/sizes.h"
#include "conv_kernel.h"

namespace gradus::kernels {

namespace {

inline constexpr int64_t points = 36;

// --- Magnitudes ---

/// The bits of |x| as an integer: it orders like magnitudes, with infinity above all others and NaN
/// above that; a number larger by `doubling` is about twice as large.
using Magnitude = int32_t;
inline constexpr Magnitude doubling = 1 << 23;

[[gnu::always_inline]] inline Vector<Magnitude> magnitude(Vector<float> v) {
  return std::bit_cast<Vector<Magnitude>>(v) & 0x7FFFFFFF;
}
template <class M>
[[gnu::always_inline]] inline M larger_of(M a, M b) {
  return a > b ? a : b;
}
/// v with all but its first n elements zeroed.
[[gnu::always_inline]] inline Vector<Magnitude> first_of(int64_t n, Vector<Magnitude> v) {
  const auto end = broadcast<Vector<Magnitude>>(static_cast<Magnitude>(n));
  return count_up<Magnitude>() < end ? v : Vector<Magnitude>{};
}

// --- Planes to pixels of W channels and back ---

/// Planes [channels][h][w] that are read or written as pixels.
struct Image {
  int64_t channels, h, w;
};

/// Pixels [rows][columns][W]: a window of an image, which starts at row `top` and column `left` of
/// the window.
struct Window {
  int64_t rows, columns, top, left;
};

/// The pixels from column `first` on of a row of up to W planes, `stride` apart: the first n, which
/// may be a constant. Peaks grow to what is larger in a pixel.
template <class T, bool all_channels>
[[gnu::always_inline]] inline void square_to_pixels(int64_t channels, int64_t stride, const T* x,
                                                    const T* end, auto n, T* to, Magnitude* peaks) {
  constexpr int64_t w = width<T>;
  Vector<T> row[w];
#pragma GCC unroll 16
  for (int64_t c = 0; c < w; ++c) {
    if constexpr (all_channels) {
      row[c] = load<Vector<T>>(x + c * stride);
    } else {
      const T* const from = x + c * stride;
      row[c] = c >= channels    ? Vector<T>{}
               : from + w > end ? load_first<T>(end - from, from)
                                : load<Vector<T>>(from);
    }
  }
  using M = Vector<Magnitude>;
  M even = {}, odd = {};
#pragma GCC unroll 16
  for (int64_t c = 0; c < w; c += 2) {
    even = larger_of(even, magnitude(row[c]));
    odd = larger_of(odd, magnitude(row[c + 1]));
  }
  const M peak = larger_of(load<M>(peaks), larger_of(even, odd));
  store(peaks, n == w ? peak : first_of(n, peak));
  transpose<T>(row);
#pragma GCC unroll 16
  for (int64_t i = 0; i < w; ++i) {
    if (i < n) store(to + i * w, row[i]);
  }
}

/// The pixels of up to W channels of x, where the window has any; the rest of the window stays as
/// it is. `end` is where the memory of x ends. `peaks` [rows][columns] grow to the largest
/// magnitude in each pixel, and have room for a vector after their end.
template <class T>
void to_pixels(const Image& image, const T* x, const T* end, const Window& window, T* pixels,
               Magnitude* peaks) {
  constexpr int64_t w = width<T>;
  const int64_t plane = image.h * image.w,
                width_inside = smaller(image.w, window.columns - window.left);
  const bool all = image.channels == w && x + (w - 1) * plane + plane + w <= end;
  for (int64_t h = 0; h < smaller(image.h, window.rows - window.top); ++h) {
    const int64_t row = (h + window.top) * window.columns + window.left;
    T* const to = pixels + row * w;
    for (int64_t first = 0; first < width_inside; first += w) {
      // A last square that would be too wide overlaps the previous one.
      const int64_t at = width_inside >= w ? smaller(first, width_inside - w) : 0;
      const T* const from = x + h * image.w + at;
      const int64_t n = smaller(width_inside, w);
      if (all && n == w) {
        square_to_pixels<T, true>(w, plane, from, end, std::integral_constant<int64_t, w>(),
                                  to + at * w, peaks + row + at);
      } else if (all) {
        square_to_pixels<T, true>(w, plane, from, end, n, to + at * w, peaks + row + at);
      } else {
        square_to_pixels<T, false>(image.channels, plane, from, end, n, to + at * w,
                                   peaks + row + at);
      }
    }
  }
}

/// The reverse: planes from pixels [rows][columns][W], and a bias for each channel; with `relu`,
/// negative numbers become 0.
template <class T>
void from_pixels(const Image& image, int64_t columns, const T* pixels, const T* bias, bool relu,
                 T* y) {
  constexpr int64_t w = width<T>;
  const int64_t plane = image.h * image.w;
  Vector<T> shift = {};
  for (int64_t c = 0; bias != nullptr && c < image.channels; ++c) shift[c] = bias[c];
  for (int64_t h = 0; h < image.h; ++h) {
    for (int64_t first = 0; first < image.w; first += w) {
      const int64_t at = image.w >= w ? smaller(first, image.w - w) : 0, n = smaller(image.w, w);
      Vector<T> row[w];
#pragma GCC unroll 16
      for (int64_t i = 0; i < w; ++i) {
        row[i] = i < n ? load<Vector<T>>(pixels + (h * columns + at + i) * w) + shift : Vector<T>{};
      }
      transpose<T>(row);
      T* const to = y + h * image.w + at;
#pragma GCC unroll 16
      for (int64_t c = 0; c < w; ++c) {
        if (c >= image.channels) continue;
        if (relu) row[c] = without_negative(row[c]);
        n == w ? store(to + c * plane, row[c]) : store_first<T>(n, to + c * plane, row[c]);
      }
    }
  }
}

// --- The transforms, each in one dimension ---
// Polynomials are evaluated at 0, +-p, +-q and infinity. With p = 1/sqrt(2) and q = sqrt(2),
// numbers stay closer together than with the usual 1 and 2, and errors are five times smaller.

inline constexpr double point_p = 0.70710678118654752, point_q = 1.41421356237309505;
inline constexpr double p2 = point_p * point_p, q2 = point_q * point_q;

template <class V>
inline constexpr V constant(double value) {
  return V{} + static_cast<std::remove_cvref_t<decltype(V{}[0])>>(value);
}

template <class V>
[[gnu::always_inline]] inline void input_transform(const V (&d)[6], V (&t)[6]) {
  const V a = d[4] - constant<V>(q2) * d[2], b = d[3] - constant<V>(q2) * d[1];
  const V c = d[4] - constant<V>(p2) * d[2], e = d[3] - constant<V>(p2) * d[1];
  t[0] = constant<V>(p2 * q2) * d[0] - constant<V>(p2 + q2) * d[2] + d[4];
  t[1] = a + constant<V>(point_p) * b;
  t[2] = a - constant<V>(point_p) * b;
  t[3] = c + constant<V>(point_q) * e;
  t[4] = c - constant<V>(point_q) * e;
  t[5] = constant<V>(p2 * q2) * d[1] - constant<V>(p2 + q2) * d[3] + d[5];
}

template <class V>
[[gnu::always_inline]] inline void output_transform(const V (&m)[6], V (&y)[4]) {
  const V a = m[1] + m[2], b = m[1] - m[2], c = m[3] + m[4], d = m[3] - m[4];
  y[0] = m[0] + a + c;
  y[1] = constant<V>(point_p) * b + constant<V>(point_q) * d;
  y[2] = constant<V>(p2) * a + constant<V>(q2) * c;
  y[3] = constant<V>(point_p * p2) * b + constant<V>(point_q * q2) * d + m[5];
}

/// The transpose of the output transform.
template <class V>
[[gnu::always_inline]] inline void gradient_transform(const V (&g)[4], V (&z)[6]) {
  const V a = g[0] + constant<V>(p2) * g[2], b = g[1] + constant<V>(p2) * g[3];
  const V c = g[0] + constant<V>(q2) * g[2], d = g[1] + constant<V>(q2) * g[3];
  z[0] = g[0];
  z[1] = a + constant<V>(point_p) * b;
  z[2] = a - constant<V>(point_p) * b;
  z[3] = c + constant<V>(point_q) * d;
  z[4] = c - constant<V>(point_q) * d;
  z[5] = g[3];
}

// Products over the differences between a point and all others.
inline constexpr double at_0 = 1 / (p2 * q2), at_p = 1 / (2 * p2 * (p2 - q2)),
                        at_q = 1 / (2 * q2 * (q2 - p2));

template <class V>
[[gnu::always_inline]] inline void weight_transform(const V (&w)[3], V (&u)[6]) {
  const V a = constant<V>(at_p) * w[0] + constant<V>(at_p * p2) * w[2];
  const V c = constant<V>(at_q) * w[0] + constant<V>(at_q * q2) * w[2];
  u[0] = constant<V>(at_0) * w[0];
  u[1] = a + constant<V>(at_p * point_p) * w[1];
  u[2] = a - constant<V>(at_p * point_p) * w[1];
  u[3] = c + constant<V>(at_q * point_q) * w[1];
  u[4] = c - constant<V>(at_q * point_q) * w[1];
  u[5] = w[2];
}

/// The transpose of the weight transform.
template <class V>
[[gnu::always_inline]] inline void weight_gradient_transform(const V (&u)[6], V (&w)[3]) {
  const V a = constant<V>(at_p) * (u[1] + u[2]), c = constant<V>(at_q) * (u[3] + u[4]);
  const V b = constant<V>(at_p * point_p) * (u[1] - u[2]),
          d = constant<V>(at_q * point_q) * (u[3] - u[4]);
  w[0] = constant<V>(at_0) * u[0] + a + c;
  w[1] = b + d;
  w[2] = constant<V>(p2) * a + constant<V>(q2) * c + u[5];
}

/// Applies a transform of N to M values to the columns and rows of an N x N square of vectors.
template <int N, int M, class V, class Load, class Transform, class Store>
[[gnu::always_inline]] inline void transform_square(const Load& load_at, const Transform& transform,
                                                    const Store& store_at) {
  V half[M][N];
#pragma GCC unroll 6
  for (int j = 0; j < N; ++j) {
    V in[N], out[M];
#pragma GCC unroll 6
    for (int i = 0; i < N; ++i) in[i] = load_at(i, j);
    transform(in, out);
#pragma GCC unroll 6
    for (int i = 0; i < M; ++i) half[i][j] = out[i];
  }
#pragma GCC unroll 6
  for (int i = 0; i < M; ++i) {
    V out[M];
    transform(half[i], out);
#pragma GCC unroll 6
    for (int j = 0; j < M; ++j) store_at(i, j, out[j]);
  }
}

// --- Sizes ---

/// How a convolution is divided into tiles, and the memory layout.
struct Tiling {
  int64_t rows, columns;      // tiles of an image
  int64_t per_image, images;  // tiles of an image, images of a group that is processed at once
  int64_t pieces;             // of a group's work; one, unless there is only one group
  int64_t c, o;               // channels, in full vectors
  int64_t v_stride, m_stride, u_stride;  // between points of transformed inputs, outputs, weights
  int64_t in_columns, out_columns;       // of the pixels of an image

  template <class T>
  static Tiling of(const ConvSizes& s) {
    constexpr int64_t enough_tiles = 32;
    Tiling t{};
    t.rows = (s.oh + 3) / 4;
    t.columns = (s.ow + 3) / 4;
    t.per_image = t.rows * t.columns;
    t.images = (enough_tiles - 1) / t.per_image + 1;
    t.c = round_up(s.c, width<T>);
    t.o = round_up(s.o, width<T>);
    t.pieces = s.n > t.images ? 1 : smaller(12, larger(t.c, t.o) / width<T>);
    // A little more than a power of two, so that points do not compete for the same cache lines.
    t.v_stride = t.tiles() * t.c + width<T>;
    t.m_stride = t.tiles() * t.o + width<T>;
    t.u_stride = s.c * t.o + 64 / static_cast<int64_t>(sizeof(T));
    t.in_columns = 4 * t.columns + 2;
    t.out_columns = 4 * t.columns;
    return t;
  }
  int64_t tiles() const { return per_image * images; }
  int64_t in_pixels() const { return (4 * rows + 2) * in_columns; }
  int64_t out_pixels() const { return 4 * rows * out_columns; }
};

}  // namespace

}  // namespace gradus::kernels
