// Compiled once per instruction set; see isa.h.
//
// Y = A' [(G w G') * (B' x B)] A for each tile of 4x4 outputs, 6x6 inputs: 36 products instead of
// 144. Summed over input channels, the products at one of the 36 points, for all tiles and output
// channels, are a product of matrices. Transforms work on vectors of channels: planes are
// transposed to [pixel][channel] before, and back after.
//
// The weight gradient is the derivative of that same formula: G' [(B' x B) * (A g A')] G, summed
// over tiles before the last transform.
#include "conv_winograd.h"

#include <cstring>

#include "../base/parallel_for.h"
#include "conv_parts.h"
#include "register_tile.h"
#include "sizes.h"
#include "workspace.h"

namespace gradus::kernels {

namespace {

constexpr int64_t points = 36;

// --- Planes to pixels of W channels and back ---

/// Planes [channels][h][w] that are read or written as pixels.
struct Image {
  int64_t channels, h, w;
};

/// Pixels [rows][columns][W]: a window of an image, which lies `top` rows and `left` columns
/// inside.
struct Window {
  int64_t rows, columns, top, left;
};

/// The pixels from column `first` on of a row of up to W planes, `stride` apart: the first n.
template <class T, bool all_channels>
[[gnu::always_inline]] inline void square_to_pixels(int64_t channels, int64_t stride, const T* x,
                                                    const T* end, int64_t n, T* to) {
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
  transpose<T>(row);
#pragma GCC unroll 16
  for (int64_t i = 0; i < w; ++i) {
    if (i < n) store(to + i * w, row[i]);
  }
}

/// The pixels of up to W channels of x, where the window has any; the rest of the window stays as
/// it is. `end` is where the memory of x ends.
template <class T>
void to_pixels(const Image& image, const T* x, const T* end, const Window& window, T* pixels) {
  constexpr int64_t w = width<T>;
  const int64_t plane = image.h * image.w,
                width_inside = smaller(image.w, window.columns - window.left);
  const bool all = image.channels == w && x + (w - 1) * plane + plane + w <= end;
  for (int64_t h = 0; h < smaller(image.h, window.rows - window.top); ++h) {
    T* const to = pixels + ((h + window.top) * window.columns + window.left) * w;
    for (int64_t first = 0; first < width_inside; first += w) {
      // A last square that would be too wide overlaps the one before.
      const int64_t at = width_inside >= w ? smaller(first, width_inside - w) : 0;
      const T* const from = x + h * image.w + at;
      const int64_t n = smaller(width_inside, w);
      if (all) {
        square_to_pixels<T, true>(w, plane, from, end, n, to + at * w);
      } else {
        square_to_pixels<T, false>(image.channels, plane, from, end, n, to + at * w);
      }
    }
  }
}

/// The other way round: planes from pixels [rows][columns][W], and a bias for each channel.
template <class T>
void from_pixels(const Image& image, int64_t columns, const T* pixels, const T* bias, T* y) {
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
        n == w ? store(to + c * plane, row[c]) : store_first<T>(n, to + c * plane, row[c]);
      }
    }
  }
}

// --- The transforms, each in one dimension ---
// Polynomials are evaluated at 0, +-p, +-q and infinity. With p = 1/sqrt(2) and q = sqrt(2),
// numbers stay closer together than with the usual 1 and 2, and errors are five times smaller.

constexpr double point_p = 0.70710678118654752, point_q = 1.41421356237309505;
constexpr double p2 = point_p * point_p, q2 = point_q * point_q;

template <class V>
constexpr V constant(double value) {
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
constexpr double at_0 = 1 / (p2 * q2), at_p = 1 / (2 * p2 * (p2 - q2)),
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

/// How a convolution falls into tiles, and where things lie.
struct Tiling {
  int64_t rows, columns;       // tiles of an image
  int64_t per_image, images;   // tiles of an image, images of a group that is worked on at once
  int64_t c, o;                // channels, in whole vectors
  int64_t v_stride, m_stride;  // between points of transformed inputs and outputs
  int64_t in_columns, out_columns;  // of the pixels of an image

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
    // A little more than a power of two, so that points do not share their place in the cache.
    t.v_stride = t.tiles() * t.c + width<T>;
    t.m_stride = t.tiles() * t.o + width<T>;
    t.in_columns = 4 * t.columns + 2;
    t.out_columns = 4 * t.columns;
    return t;
  }
  int64_t tiles() const { return per_image * images; }
  int64_t in_pixels() const { return (4 * rows + 2) * in_columns; }
  int64_t out_pixels() const { return 4 * rows * out_columns; }
};

// --- Products of matrices at one point ---

/// out[row][v] (+)= sum over k of a[row * a_row + k * a_step] * b[k * b_stride + v], for `rows`
/// rows and `vectors` vectors.
template <class T, int rows, int vectors, bool adds>
void multiply_block(int64_t depth, const T* a, int64_t a_row, int64_t a_step, const T* b,
                    int64_t b_stride, T* out, int64_t out_stride) {
  using V = Vector<T>;
  constexpr int64_t w = width<T>;
  V sum[rows][vectors];
#pragma GCC unroll 16
  for (int r = 0; r < rows; ++r) {
#pragma GCC unroll 4
    for (int v = 0; v < vectors; ++v) {
      sum[r][v] = adds ? load<V>(out + r * out_stride + v * w) : V{};
    }
  }
  add_products(depth, a, a_row, a_step, b, b_stride, sum);
#pragma GCC unroll 16
  for (int r = 0; r < rows; ++r) {
#pragma GCC unroll 4
    for (int v = 0; v < vectors; ++v) store(out + r * out_stride + v * w, sum[r][v]);
  }
}

template <class T>
struct Product {
  int64_t rows, depth, columns;  // columns in whole vectors
  const T* a;
  int64_t a_row, a_step;
  const T* b;
  T* out;  // rows of `columns`, like b
};

template <class T, int rows, int vectors, bool adds>
void multiply_rows(const Product<T>& p, int64_t first, int64_t column) {
  int64_t r = first;
  for (; r + rows <= p.rows; r += rows) {
    multiply_block<T, rows, vectors, adds>(p.depth, p.a + r * p.a_row, p.a_row, p.a_step,
                                           p.b + column, p.columns, p.out + r * p.columns + column,
                                           p.columns);
  }
  if constexpr (rows > 1) {
    if (r < p.rows) multiply_rows<T, rows / 2, vectors, adds>(p, r, column);
  }
}

template <class T, bool adds>
void multiply(const Product<T>& p) {
  constexpr int64_t w = width<T>;
  constexpr bool many_registers = vector_bytes == 64;
  int64_t column = 0;
  if constexpr (many_registers) {
    for (; column + 4 * w <= p.columns; column += 4 * w) {
      multiply_rows<T, 6, 4, adds>(p, 0, column);
    }
  }
  for (; column + 2 * w <= p.columns; column += 2 * w) {
    multiply_rows<T, many_registers ? 12 : 6, 2, adds>(p, 0, column);
  }
  for (; column < p.columns; column += w) multiply_rows<T, 12, 1, adds>(p, 0, column);
}

// --- Whole images ---

template <class V, class Store>
void transform_weight(const V (&tap)[9], const Store& store_at) {
  V half[6][3];
  for (int j = 0; j < 3; ++j) {
    const V in[3] = {tap[j], tap[3 + j], tap[6 + j]};
    V out[6];
    weight_transform(in, out);
    for (int i = 0; i < 6; ++i) half[i][j] = out[i];
  }
  for (int i = 0; i < 6; ++i) {
    V out[6];
    weight_transform(half[i], out);
    for (int j = 0; j < 6; ++j) store_at(6 * i + j, out[j]);
  }
}

/// Transformed weights [point][in][out in whole vectors]; `weight_at(in, out, tap)` reads one.
template <class T, class WeightAt>
void transform_weights(int64_t ins, int64_t outs, const WeightAt& weight_at, T* u) {
  constexpr int64_t w = width<T>;
  const int64_t columns = round_up(outs, w);
  parallel_for(ins, 4, [&](int64_t begin, int64_t end) {
    for (int64_t in = begin; in < end; ++in) {
      for (int64_t first = 0; first < columns; first += w) {
        Vector<T> tap[9] = {};
        for (int64_t k = 0; k < 9; ++k) {
          for (int64_t i = 0; i < smaller(w, outs - first); ++i) {
            tap[k][i] = weight_at(in, first + i, k);
          }
        }
        T* const to = u + in * columns + first;
        transform_weight(tap,
                         [&](int64_t point, Vector<T> v) { store(to + point * ins * columns, v); });
      }
    }
  });
}

/// Transformed tiles [point][tile][channel] of images first ... first + count - 1.
template <class T>
void transform_inputs(const ConvSizes& s, const Tiling& t, const T* x, int64_t first, int64_t count,
                      T* pixels, T* to) {
  constexpr int64_t w = width<T>;
  using V = Vector<T>;
  const T* const end = x + s.n * s.c * s.h * s.w;
  for (int64_t image = 0; image < count; ++image) {
    for (int64_t c = 0; c < s.c; c += w) {
      to_pixels({smaller(w, s.c - c), s.h, s.w}, x + ((first + image) * s.c + c) * s.h * s.w, end,
                {4 * t.rows + 2, t.in_columns, s.padding_h, s.padding_w}, pixels);
      for (int64_t tile = 0; tile < t.per_image; ++tile) {
        const T* const from =
            pixels + (tile / t.columns * 4 * t.in_columns + tile % t.columns * 4) * w;
        T* const out = to + (image * t.per_image + tile) * t.c + c;
        transform_square<6, 6, V>(
            [&](int i, int j) { return load<V>(from + (i * t.in_columns + j) * w); },
            [](const V(&in)[6], V(&made)[6]) { input_transform(in, made); },
            [&](int i, int j, V v) { store(out + (6 * i + j) * t.v_stride, v); });
      }
    }
  }
}

template <class T>
void transform_outputs(const ConvSizes& s, const Tiling& t, const T* from, const T* bias,
                       int64_t first, int64_t count, T* pixels, T* y) {
  constexpr int64_t w = width<T>;
  using V = Vector<T>;
  for (int64_t image = 0; image < count; ++image) {
    for (int64_t o = 0; o < s.o; o += w) {
      for (int64_t tile = 0; tile < t.per_image; ++tile) {
        const T* const in = from + (image * t.per_image + tile) * t.o + o;
        T* const to = pixels + (tile / t.columns * 4 * t.out_columns + tile % t.columns * 4) * w;
        transform_square<6, 4, V>(
            [&](int i, int j) { return load<V>(in + (6 * i + j) * t.m_stride); },
            [](const V(&m)[6], V(&made)[4]) { output_transform(m, made); },
            [&](int i, int j, V v) { store(to + (i * t.out_columns + j) * w, v); });
      }
      from_pixels({smaller(w, s.o - o), s.oh, s.ow}, t.out_columns, pixels,
                  bias != nullptr ? bias + o : nullptr,
                  y + ((first + image) * s.o + o) * s.oh * s.ow);
    }
  }
}

/// Transformed output gradients [point][tile][channel].
template <class T>
void transform_gradients(const ConvSizes& s, const Tiling& t, const T* g, int64_t first,
                         int64_t count, T* pixels, T* to) {
  constexpr int64_t w = width<T>;
  using V = Vector<T>;
  const T* const end = g + s.n * s.o * s.oh * s.ow;
  for (int64_t image = 0; image < count; ++image) {
    for (int64_t o = 0; o < s.o; o += w) {
      to_pixels({smaller(w, s.o - o), s.oh, s.ow}, g + ((first + image) * s.o + o) * s.oh * s.ow,
                end, {4 * t.rows, t.out_columns, 0, 0}, pixels);
      for (int64_t tile = 0; tile < t.per_image; ++tile) {
        const T* const from =
            pixels + (tile / t.columns * 4 * t.out_columns + tile % t.columns * 4) * w;
        T* const out = to + (image * t.per_image + tile) * t.o + o;
        transform_square<4, 6, V>(
            [&](int i, int j) { return load<V>(from + (i * t.out_columns + j) * w); },
            [](const V(&in)[4], V(&made)[6]) { gradient_transform(in, made); },
            [&](int i, int j, V v) { store(out + (6 * i + j) * t.m_stride, v); });
      }
    }
  }
}

template <class T, class WeightAt>
void convolve(const ConvSizes& s, T* y, const T* x, const WeightAt& weight_at, const T* bias) {
  const Tiling t = Tiling::of<T>(s);
  Workspace<T> u(points * s.c * t.o);
  transform_weights<T>(s.c, s.o, weight_at, u.data());
  parallel_for(s.n, t.images, [&](int64_t begin, int64_t end) {
    Workspace<T> in(points * t.v_stride), out(points * t.m_stride);
    Workspace<T> pixels(t.in_pixels() * width<T>);
    pixels.clear();  // once: what lies beyond an image is the same for all of them
    transform_inputs(s, t, x, begin, end - begin, pixels.data(), in.data());
    for (int64_t k = 0; k < points; ++k) {
      multiply<T, false>({.rows = (end - begin) * t.per_image,
                          .depth = s.c,
                          .columns = t.o,
                          .a = in.data() + k * t.v_stride,
                          .a_row = t.c,
                          .a_step = 1,
                          .b = u.data() + k * s.c * t.o,
                          .out = out.data() + k * t.m_stride});
    }
    transform_outputs(s, t, out.data(), bias, begin, end - begin, pixels.data(), y);
  });
}

template <class T>
void forward(const ConvSizes& s, T* y, const T* x, const T* weight, const T* bias) {
  const int64_t c = s.c;
  convolve<T>(
      s, y, x,
      [=](int64_t in, int64_t out, int64_t tap) { return weight[(out * c + in) * 9 + tap]; }, bias);
}

/// A convolution of the output gradient with the weights upside down.
template <class T>
void input_gradient(const ConvSizes& s, T* dx, const T* g, const T* weight) {
  const int64_t c = s.c;
  convolve<T>(
      input_gradient_sizes(s), dx, g,
      [=](int64_t in, int64_t out, int64_t tap) { return weight[(in * c + out) * 9 + 8 - tap]; },
      nullptr);
}

/// The sum of transformed weight gradients over chunks, transformed back.
template <class T>
void finish_weights(const ConvSizes& s, const Tiling& t, int64_t chunks, const T* partial,
                    T* dweight) {
  constexpr int64_t w = width<T>;
  using V = Vector<T>;
  const int64_t size = points * s.c * t.o;
  parallel_for(s.c, 4, [&](int64_t begin, int64_t end) {
    for (int64_t c = begin; c < end; ++c) {
      for (int64_t o = 0; o < s.o; o += w) {
        V tap[3][3];
        transform_square<6, 3, V>(
            [&](int i, int j) {
              const T* from = partial + ((6 * i + j) * s.c + c) * t.o + o;
              V total = load<V>(from);
              for (int64_t k = 1; k < chunks; ++k) total += load<V>(from + k * size);
              return total;
            },
            [](const V(&in)[6], V(&made)[3]) { weight_gradient_transform(in, made); },
            [&](int i, int j, V v) { tap[i][j] = v; });
        for (int64_t k = 0; k < smaller(w, s.o - o); ++k) {
          for (int i = 0; i < 9; ++i) {
            dweight[((o + k) * s.c + c) * 9 + i] = tap[i / 3][i % 3][k];
          }
        }
      }
    }
  });
}

template <class T>
void weight_gradient(const ConvSizes& s, T* dweight, const T* g, const T* x) {
  const Tiling t = Tiling::of<T>(s);
  const int64_t size = points * s.c * t.o;
  const ImageChunks chunks(s.n);
  Workspace<T> partial(chunks.count * size);
  parallel_for(chunks.count, 1, [&](int64_t chunk, int64_t) {
    Workspace<T> in(points * t.v_stride), out(points * t.m_stride);
    Workspace<T> pixels(t.in_pixels() * width<T>), out_pixels(t.out_pixels() * width<T>);
    pixels.clear();
    out_pixels.clear();
    T* const sum = partial.data() + chunk * size;
    std::memset(sum, 0, static_cast<size_t>(size) * sizeof(T));
    chunks.for_groups(chunk, t.images, [&](int64_t first, int64_t count) {
      transform_inputs(s, t, x, first, count, pixels.data(), in.data());
      transform_gradients(s, t, g, first, count, out_pixels.data(), out.data());
      for (int64_t k = 0; k < points; ++k) {
        multiply<T, true>({.rows = s.c,
                           .depth = count * t.per_image,
                           .columns = t.o,
                           .a = in.data() + k * t.v_stride,
                           .a_row = 1,
                           .a_step = t.c,
                           .b = out.data() + k * t.m_stride,
                           .out = sum + k * s.c * t.o});
      }
    });
  });
  finish_weights(s, t, chunks.count, partial.data(), dweight);
}

constexpr WinogradConv<float> winograd_table = {forward<float>, input_gradient<float>,
                                                weight_gradient<float>};

}  // namespace

template <>
template <>
const WinogradConv<float>& Tables<Isa::GRADUS_ISA>::get() {
  return winograd_table;
}

}  // namespace gradus::kernels
