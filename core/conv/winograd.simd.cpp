// Compiled once per instruction set; see isa.h.
//
// Y = A' [(G w G') * (B' x B)] A for each tile of 4x4 outputs, 6x6 inputs: 36 products instead of
// 144. Summed over input channels, the products at one of the 36 points, for all tiles and output
// channels, are a product of matrices. Transforms work on vectors of channels: planes are
// transposed to [pixel][channel] before, and back after.
//
// The weight gradient is the derivative of that same formula: G' [(B' x B) * (A g A')] G, summed
// over tiles before the last transform.
#include <algorithm>
#include <cstring>

#include "../base/parallel_for.h"
#include "../matmul/gemm_kernel.h"
#include "../matmul/register_tile.simd.h"
#include "../simd/sizes.h"
#include "../simd/workspace.h"
#include "conv_kernel.h"
#include "winograd_parts.simd.h"
#include "winograd_range.simd.h"

namespace gradus::kernels {

namespace {

// --- Products of matrices at one point ---

/// out[row][v] (+)= sum over k of a[row * a_row + k * a_step] * b[k * b_stride + v], for `rows`
/// rows and `vectors` vectors.
template <class T, int rows, int vectors, bool adds>
[[gnu::noinline]] void multiply_block(int64_t depth, const T* a, int64_t a_row, int64_t a_step,
                                      const T* b, int64_t b_stride, T* out, int64_t out_stride) {
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
  int64_t rows, depth, columns;  // columns in full vectors
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
  constexpr int fewer = rows > 6 ? 6 : rows > 2 ? 2 : 1;
  if constexpr (rows > 1) {
    if (r < p.rows) multiply_rows<T, fewer, vectors, adds>(p, r, column);
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

/// Whether the weights of each output are in range, from the largest for each tap: peaks
/// [pieces][9][columns], of which the first piece becomes that of all.
bool weights_are_in_range(int64_t pieces, int64_t columns, Magnitude* peaks) {
  for (int64_t i = 1; i < pieces; ++i) {
    for (int64_t k = 0; k < 9 * columns; ++k) {
      peaks[k] = larger_of(peaks[k], peaks[i * 9 * columns + k]);
    }
  }
  bool result = true;
  for (int64_t out = 0; out < columns; ++out) {
    Magnitude most = 0, least = highest_peak;
    for (int64_t k = 0; k < 9; ++k) {
      const Magnitude peak = peaks[k * columns + out];
      most = larger_of(most, peak);
      least = peak > 0 && peak < least ? peak : least;
    }
    result = result && (most == 0 || in_range(least, most));
  }
  return result;
}

/// The weights of a convolution as [in][out][tap], of the 9 taps in this order or in reverse.
template <class T>
struct Weights {
  const T *begin, *end;
  int64_t in_step, out_step;
  bool reversed;

  int64_t place(int64_t tap) const { return reversed ? 8 - tap : tap; }
  T at(int64_t in, int64_t out, int64_t tap) const {
    return begin[in * in_step + out * out_step + place(tap)];
  }
  /// Each tap of `count` outputs, up to a vector, from `out` on.
  void load_taps(int64_t in, int64_t out, int64_t count, Vector<T> (&tap)[9]) const {
    constexpr int64_t w = width<T>, step = w < 9 ? w : 9;
    const T* const from = begin + in * in_step + out * out_step;
    int64_t k = 0;
    if (count == w && from + (w - 1) * out_step + larger(w, 9) <= end) {
      for (; k + step <= 9; k += step) {
        Vector<T> row[w];
        for (int64_t i = 0; i < w; ++i) row[i] = load<Vector<T>>(from + i * out_step + k);
        transpose<T>(row);
        for (int64_t i = 0; i < step; ++i) tap[place(k + i)] = row[i];
      }
    }
    for (; k < 9; ++k) {
      for (int64_t i = 0; i < count; ++i) tap[place(k)][i] = from[i * out_step + k];
    }
  }
};

/// Transformed weights [point][in][out in full vectors]. Returns whether they are in range.
template <class T>
bool transform_weights(const ConvSizes& s, const Tiling& t, const Weights<T>& weights, T* u) {
  constexpr int64_t w = width<T>, piece = 4;
  const int64_t columns = t.o, pieces = (s.c + piece - 1) / piece;
  Workspace<Magnitude> peaks(pieces * 9 * columns);
  peaks.clear();
  parallel_for(s.c, piece, [&](int64_t begin, int64_t end) {
    for (int64_t in = begin; in < end; ++in) {
      for (int64_t first = 0; first < columns; first += w) {
        Vector<T> tap[9] = {};
        weights.load_taps(in, first, smaller(w, s.o - first), tap);
        for (int64_t k = 0; k < 9; ++k) {
          Magnitude* const peak = peaks.data() + (begin / piece * 9 + k) * columns + first;
          store(peak, larger_of(load<Vector<Magnitude>>(peak), magnitude(tap[k])));
        }
        T* const to = u + in * columns + first;
        transform_square<3, 6, Vector<T>>(
            [&](int i, int j) { return tap[3 * i + j]; },
            [](const Vector<T>(&w3)[3], Vector<T>(&made)[6]) { weight_transform(w3, made); },
            [&](int i, int j, Vector<T> v) { store(to + (6 * i + j) * t.u_stride, v); });
      }
    }
  });
  return weights_are_in_range(pieces, columns, peaks.data());
}

/// Calls body(first, piece) for each vector of channels, in t.pieces, each of which may have a
/// thread.
template <class T, class Body>
void for_channels(int64_t channels, const Tiling& t, const Body& body) {
  constexpr int64_t w = width<T>;
  const int64_t vectors = round_up(channels, w) / w;
  const int64_t per_piece = (vectors + t.pieces - 1) / t.pieces;
  parallel_for(vectors, per_piece, [&](int64_t begin, int64_t end) {
    for (int64_t v = begin; v < end; ++v) body(v * w, begin / per_piece);
  });
}

/// Transformed tiles [point][tile][channel] of images first ... first + count - 1, and the ways of
/// their outputs. There are pixels for each of t.pieces.
template <class T>
void transform_inputs(const ConvSizes& s, const Tiling& t, const T* x, int64_t first, int64_t count,
                      T* pixels, T* to, InputRange& range, const Ways& ways) {
  constexpr int64_t w = width<T>;
  using V = Vector<T>;
  const T* const end = x + s.n * s.c * s.h * s.w;
  for (int64_t image = 0; image < count; ++image) {
    range.start();
    for_channels<T>(s.c, t, [&](int64_t c, int64_t piece) {
      T* const own = pixels + piece * t.in_pixels() * w;
      to_pixels({smaller(w, s.c - c), s.h, s.w}, x + ((first + image) * s.c + c) * s.h * s.w, end,
                {4 * t.rows + 2, t.in_columns, s.padding_h, s.padding_w}, own, range.peaks(piece));
      for (int64_t tile = 0; tile < t.per_image; ++tile) {
        const T* const from =
            own + (tile / t.columns * 4 * t.in_columns + tile % t.columns * 4) * w;
        T* const out = to + (image * t.per_image + tile) * t.c + c;
        transform_square<6, 6, V>(
            [&](int i, int j) { return load<V>(from + (i * t.in_columns + j) * w); },
            [](const V(&in)[6], V(&made)[6]) { input_transform(in, made); },
            [&](int i, int j, V v) { store(out + (6 * i + j) * t.v_stride, v); });
      }
    });
    ways.exceptions(first + image) = range.find(ways.of(first + image));
  }
}

/// Calls body(row, column) for the outputs of an image that are made in
/// this way, which is not the usual one.
template <class Body>
void for_outputs(Way way, const Tiling& t, const Way* ways, const Body& body) {
  for (int64_t tile = 0; tile < t.per_image; ++tile) {
    for (int64_t k = 0; k < 16; ++k) {
      if (ways[tile * 16 + k] != way) continue;
      body(tile / t.columns * 4 + k / 4, tile % t.columns * 4 + k % 4);
    }
  }
}

template <class T>
void transform_outputs(const ConvSizes& s, const Tiling& t, const T* from, const T* bias,
                       const Ways& ways, int64_t first, int64_t count, T* pixels, T* y) {
  constexpr int64_t w = width<T>;
  using V = Vector<T>;
  for (int64_t image = 0; image < count; ++image) {
    for_channels<T>(s.o, t, [&](int64_t o, int64_t piece) {
      T* const own = pixels + piece * t.in_pixels() * w;
      for (int64_t tile = 0; tile < t.per_image; ++tile) {
        const T* const in = from + (image * t.per_image + tile) * t.o + o;
        T* const to = own + (tile / t.columns * 4 * t.out_columns + tile % t.columns * 4) * w;
        transform_square<6, 4, V>(
            [&](int i, int j) { return load<V>(in + (6 * i + j) * t.m_stride); },
            [](const V(&m)[6], V(&made)[4]) { output_transform(m, made); },
            [&](int i, int j, V v) { store(to + (i * t.out_columns + j) * w, v); });
      }
      if (ways.exceptions(first + image).nothing > 0) {
        for_outputs(Way::nothing, t, ways.of(first + image), [&](int64_t row, int64_t column) {
          store(own + (row * t.out_columns + column) * w, V{});
        });
      }
      from_pixels({smaller(w, s.o - o), s.oh, s.ow}, t.out_columns, own,
                  bias != nullptr ? bias + o : nullptr, s.relu,
                  y + ((first + image) * s.o + o) * s.oh * s.ow);
    });
  }
}

/// Transformed output gradients [point][tile][channel]; calls exception(image, tile) for tiles that
/// are out of range.
template <class T, class Exception>
void transform_gradients(const ConvSizes& s, const Tiling& t, const T* g, int64_t first,
                         int64_t count, T* pixels, T* to, GradientRange& range,
                         const Exception& exception) {
  constexpr int64_t w = width<T>;
  using V = Vector<T>;
  const T* const end = g + s.n * s.o * s.oh * s.ow;
  for (int64_t image = 0; image < count; ++image) {
    Magnitude* const peaks = range.start();
    for (int64_t o = 0; o < s.o; o += w) {
      to_pixels({smaller(w, s.o - o), s.oh, s.ow}, g + ((first + image) * s.o + o) * s.oh * s.ow,
                end, {4 * t.rows, t.out_columns, 0, 0}, pixels, peaks);
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
    range.for_each_exception([&](int64_t tile) { exception(first + image, tile); });
  }
}

// --- From the definition ---

/// An element of a plane, or 0 beyond its edges.
template <class T>
T input_at(const ConvSizes& s, const T* plane, int64_t row, int64_t column) {
  return row >= 0 && row < s.h && column >= 0 && column < s.w ? plane[row * s.w + column] : T(0);
}

/// The outputs that are out of range, by the direct kernel, to which each tile is an image of 6x6.
template <class T>
void convolve_exceptions(const ConvSizes& s, const Tiling& t, const Ways& ways, T* y, const T* x,
                         const Weights<T>& weights, const T* bias) {
  bool any = false;
  for (int64_t i = 0; i < s.n; ++i) any = any || ways.exceptions(i).definition > 0;
  if (!any) return;
  const int64_t depth = s.c * 9;
  Workspace<T> weight(s.o * depth);
  for (int64_t i = 0; i < s.o * depth; ++i) weight[i] = weights.at(i % depth / 9, i / depth, i % 9);
  ConvSizes tiles = s;
  tiles.h = tiles.w = 6;
  tiles.oh = tiles.ow = 4;
  tiles.padding_h = tiles.padding_w = 0;
  tiles.n = 1;
  parallel_for(s.n, 1, [&](int64_t image, int64_t) {
    if (ways.exceptions(image).definition == 0) return;
    Workspace<T> in(s.c * 36), out(s.o * 16);
    for (int64_t tile = 0; tile < t.per_image; ++tile) {
      const Way* const way = ways.of(image) + tile * 16;
      if (std::find(way, way + 16, Way::definition) == way + 16) continue;
      const int64_t row = tile / t.columns * 4, column = tile % t.columns * 4;
      for (int64_t i = 0; i < s.c * 36; ++i) {
        in[i] = input_at(s, x + (image * s.c + i / 36) * s.h * s.w, row + i % 36 / 6 - s.padding_h,
                         column + i % 6 - s.padding_w);
      }
      Tables<Isa::GRADUS_ISA>::get<DirectConv<T>>().forward(tiles, out.data(), in.data(),
                                                            weight.data(), bias);
      for (int64_t i = 0; i < s.o * 16; ++i) {
        if (way[i % 16] != Way::definition) continue;
        y[((image * s.o + i / 16) * s.oh + row + i % 16 / 4) * s.ow + column + i % 4] = out[i];
      }
    }
  });
}

// --- Whole convolutions ---

/// Returns false if weights are out of range, and then has done nothing.
template <class T>
bool convolve(const ConvSizes& s, T* y, const T* x, const Weights<T>& weights, const T* bias) {
  const Tiling t = Tiling::of<T>(s);
  Workspace<T> made(s.transformed != nullptr ? 0 : points * t.u_stride);
  if (s.transformed == nullptr && !transform_weights(s, t, weights, made.data())) return false;
  const T* const u = s.transformed != nullptr ? static_cast<const T*>(s.transformed) : made.data();
  const Ways ways(s.n, t);
  parallel_for(s.n, t.images, [&](int64_t begin, int64_t end) {
    Workspace<T> in(points * t.v_stride), out(points * t.m_stride);
    Workspace<T> pixels(t.pieces * t.in_pixels() * width<T>);
    InputRange range(t, s.oh, s.ow);
    pixels.clear();  // once: the margin around an image is the same for all of them
    transform_inputs(s, t, x, begin, end - begin, pixels.data(), in.data(), range, ways);
    parallel_each(points, points / t.pieces, [&](int64_t k) {
      multiply<T, false>({.rows = (end - begin) * t.per_image,
                          .depth = s.c,
                          .columns = t.o,
                          .a = in.data() + k * t.v_stride,
                          .a_row = t.c,
                          .a_step = 1,
                          .b = u + k * t.u_stride,
                          .out = out.data() + k * t.m_stride});
    });
    transform_outputs(s, t, out.data(), bias, ways, begin, end - begin, pixels.data(), y);
  });
  convolve_exceptions(s, t, ways, y, x, weights, bias);
  return true;
}

template <class T>
Weights<T> forward_weights(const ConvSizes& s, const T* weight) {
  return {weight, weight + s.o * s.c * 9, 9, s.c * 9, false};
}

template <class T>
int64_t room_for(const ConvSizes& s) {
  return points * Tiling::of<T>(s).u_stride;
}

template <class T>
bool transform(const ConvSizes& s, T* transformed, const T* weight) {
  return transform_weights(s, Tiling::of<T>(s), forward_weights(s, weight), transformed);
}

template <class T>
bool forward(const ConvSizes& s, T* y, const T* x, const T* weight, const T* bias) {
  return convolve<T>(s, y, x, forward_weights(s, weight), bias);
}

/// A convolution of the output gradient with the weights upside down.
template <class T>
bool input_gradient(const ConvSizes& s, T* dx, const T* g, const T* weight) {
  return convolve<T>(s.of_input_gradient(), dx, g,
                     {weight, weight + s.o * s.c * 9, s.c * 9, 9, true}, nullptr);
}

/// The sum of transformed weight gradients over chunks, transformed back.
template <class T>
void finish_weights(const ConvSizes& s, const Tiling& t, int64_t chunks, const T* partial,
                    T* dweight) {
  constexpr int64_t w = width<T>;
  using V = Vector<T>;
  const int64_t size = points * t.u_stride;
  parallel_for(s.c, 4, [&](int64_t begin, int64_t end) {
    for (int64_t c = begin; c < end; ++c) {
      for (int64_t o = 0; o < s.o; o += w) {
        V tap[3][3];
        transform_square<6, 3, V>(
            [&](int i, int j) {
              const T* from = partial + (6 * i + j) * t.u_stride + c * t.o + o;
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

/// Zeros at all points of a transformed tile of `channels` channels.
template <class T>
void clear_tile(int64_t channels, int64_t stride, T* tile) {
  for (int64_t k = 0; k < points; ++k) {
    for (int64_t c = 0; c < channels; ++c) tile[k * stride + c] = 0;
  }
}

/// Adds what one tile contributes to the weight gradient [o][c][9].
template <class T>
void add_tile(const ConvSizes& s, const Tiling& t, int64_t image, int64_t tile, const T* g,
              const T* x, T* dweight) {
  const int64_t depth = s.c * 9, row = tile / t.columns * 4, column = tile % t.columns * 4;
  const int64_t rows = smaller(4, s.oh - row), columns = smaller(4, s.ow - column);
  const int64_t outputs = rows * columns;
  Workspace<T> inputs(outputs * depth), gradients(s.o * outputs);
  for (int64_t i = 0; i < outputs; ++i) {
    const int64_t h = row + i / columns, w = column + i % columns;
    for (int64_t k = 0; k < depth; ++k) {
      inputs[i * depth + k] = input_at(s, x + (image * s.c + k / 9) * s.h * s.w,
                                       h + k % 9 / 3 - s.padding_h, w + k % 3 - s.padding_w);
    }
    for (int64_t o = 0; o < s.o; ++o) {
      gradients[o * outputs + i] = g[((image * s.o + o) * s.oh + h) * s.ow + w];
    }
  }
  Tables<Isa::GRADUS_ISA>::get<PackedGemm<T>>().multiply({false, false, s.o, depth, outputs,
                                                          gradients.data(), outputs, inputs.data(),
                                                          depth, 1, dweight, depth});
}

/// Returns false if so many tiles are out of range that this is not the way to do it.
template <class T>
bool weight_gradient(const ConvSizes& s, T* dweight, const T* g, const T* x) {
  const Tiling t = Tiling::of<T>(s);
  const int64_t size = points * t.u_stride;
  const ImageChunks chunks(s.n);
  Workspace<T> partial(chunks.count * size);
  const Ways ways(s.n, t);
  Workspace<bool> is_exception(s.n * t.per_image);  // of a tile
  is_exception.clear();
  parallel_for(chunks.count, 1, [&](int64_t chunk, int64_t) {
    Workspace<T> in(points * t.v_stride), out(points * t.m_stride);
    Workspace<T> pixels(t.pieces * t.in_pixels() * width<T>), out_pixels(t.out_pixels() * width<T>);
    InputRange range(t, s.oh, s.ow);
    GradientRange gradient_range(t);
    pixels.clear();
    out_pixels.clear();
    T* const sum = partial.data() + chunk * size;
    std::memset(sum, 0, static_cast<size_t>(size) * sizeof(T));
    chunks.for_groups(chunk, t.images, [&](int64_t first, int64_t count) {
      const auto take_out = [&](int64_t image, int64_t tile) {
        is_exception[image * t.per_image + tile] = true;
      };
      transform_inputs(s, t, x, first, count, pixels.data(), in.data(), range, ways);
      for (int64_t image = first; image < first + count; ++image) {
        if (ways.exceptions(image).definition == 0) continue;
        for_outputs(Way::definition, t, ways.of(image), [&](int64_t row, int64_t column) {
          take_out(image, row / 4 * t.columns + column / 4);
        });
      }
      transform_gradients(s, t, g, first, count, out_pixels.data(), out.data(), gradient_range,
                          take_out);
      for (int64_t tile = 0; tile < count * t.per_image; ++tile) {
        if (!is_exception[first * t.per_image + tile]) continue;
        clear_tile(t.c, t.v_stride, in.data() + tile * t.c);
        clear_tile(t.o, t.m_stride, out.data() + tile * t.o);
      }
      for (int64_t k = 0; k < points; ++k) {
        multiply<T, true>({.rows = s.c,
                           .depth = count * t.per_image,
                           .columns = t.o,
                           .a = in.data() + k * t.v_stride,
                           .a_row = 1,
                           .a_step = t.c,
                           .b = out.data() + k * t.m_stride,
                           .out = sum + k * t.u_stride});
      }
    });
  });
  int64_t exceptions = 0;
  for (int64_t i = 0; i < s.n * t.per_image; ++i) exceptions += is_exception[i];
  if (8 * exceptions > s.n * t.per_image) return false;
  finish_weights(s, t, chunks.count, partial.data(), dweight);
  for (int64_t i = 0; exceptions > 0 && i < s.n * t.per_image; ++i) {
    if (is_exception[i]) add_tile(s, t, i / t.per_image, i % t.per_image, g, x, dweight);
  }
  return true;
}

constexpr WinogradConv<float> winograd_table = {room_for<float>, transform<float>, forward<float>,
                                                input_gradient<float>, weight_gradient<float>};

}  // namespace

template <>
template <>
const WinogradConv<float>& Tables<Isa::GRADUS_ISA>::get() {
  return winograd_table;
}

}  // namespace gradus::kernels
