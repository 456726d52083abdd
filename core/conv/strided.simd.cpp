// Compiled once per instruction set; see isa.h.
//
// Convolution with any stride, on images as pixels, [h][w][channel]. An output pixel is a sum over
// taps of numbers of a source pixel times vectors of weights. Pixels that see the same taps, of a
// few images, are computed together, a block of registers at a time, so nothing is multiplied with
// padding. The input gradient is the same with the output gradient as the source; which taps a
// pixel sees then depends on its place between strides.
#include <cstring>

#include "../base/parallel_for.h"
#include "../matmul/register_tile.simd.h"
#include "../simd/kernels_of.h"
#include "conv_kernel.h"
#include "pixels.simd.h"

namespace gradus::kernels {

namespace {

// A block of registers: pixels (or channels, in the weight gradient) times vectors of channels.
constexpr int block_rows = vector_bytes == 64 ? 12 : 6, block_vectors = 2;
template <class T>
constexpr int64_t block_columns = block_vectors* width<T>;

constexpr int64_t most_images = 8;                    // that are processed together
constexpr int64_t cache_bytes = int64_t{256} * 1024;  // of their pixels

// --- Forward and input gradient ---

/// The loops over what one output pixel sees.
struct Taps {
  int64_t rows, source_row, weight_row;
  int64_t runs, source_run, weight_run;
  int64_t length;  // of a run, in which source and weights are contiguous
};

/// to[target[r]] = bias + sum of x[source[r] ...] times rows of weights, for `rows` pixels; with
/// `relu`, 0 instead of negative numbers.
template <class T, int rows, int vectors>
[[gnu::noinline]] void convolve_pixels(const Taps& t, const T* x, const int64_t* source,
                                       const T* weight, const T* bias, bool relu, T* to,
                                       const int64_t* target) {
  using V = Vector<T>;
  V sum[rows][vectors];
#pragma GCC unroll 2
  for (int v = 0; v < vectors; ++v) {
    const V b = load<V>(bias + v * width<T>);
#pragma GCC unroll 12
    for (int r = 0; r < rows; ++r) sum[r][v] = b;
  }
  const T* pixel[rows];
#pragma GCC unroll 12
  for (int r = 0; r < rows; ++r) pixel[r] = x + source[r];
  for (int64_t i = 0; i < t.rows; ++i) {
    for (int64_t j = 0; j < t.runs; ++j) {
      const T* w = weight + i * t.weight_row + j * t.weight_run;
      const int64_t first = i * t.source_row + j * t.source_run, end = first + t.length;
      for (int64_t k = first; k < end; ++k, w += block_columns<T>) {
        V in[vectors];
#pragma GCC unroll 2
        for (int v = 0; v < vectors; ++v) in[v] = load<V>(w + v * width<T>);
#pragma GCC unroll 12
        for (int r = 0; r < rows; ++r) {
          const V factor = broadcast<V>(pixel[r][k]);
#pragma GCC unroll 2
          for (int v = 0; v < vectors; ++v) sum[r][v] += factor * in[v];
        }
      }
    }
  }
#pragma GCC unroll 12
  for (int r = 0; r < rows; ++r) {
#pragma GCC unroll 2
    for (int v = 0; v < vectors; ++v) {
      const V result = relu ? without_negative(sum[r][v]) : sum[r][v];
      store(to + target[r] + v * width<T>, result);
    }
  }
}

/// A convolution as a map from source pixels to output pixels. Each group of channels has weights
/// [block of outputs][vertical slot][horizontal slot][channel][block_columns].
template <class T>
class PixelMap {
 public:
  PixelMap(const ConvSizes& s, bool reverse)
      : vertical_((reverse ? Axis::of_inputs : Axis::of_outputs)(s.h, s.oh, s.kh, s.stride_h,
                                                                 s.padding_h, s.dilation_h)),
        horizontal_((reverse ? Axis::of_inputs : Axis::of_outputs)(s.w, s.ow, s.kw, s.stride_w,
                                                                   s.padding_w, s.dilation_w)),
        relu_(s.relu && !reverse),
        n_(s.n),
        groups_(s.groups),
        kh_(s.kh),
        kw_(s.kw),
        channels_((reverse ? s.o : s.c) / s.groups),
        outputs_((reverse ? s.c : s.o) / s.groups),
        h_(reverse ? s.oh : s.h),
        w_(reverse ? s.ow : s.w),
        plane_(reverse ? s.h * s.w : s.oh * s.ow),
        row_(reverse ? s.w : s.ow),
        pitch_(round_up(channels_, width<T>)),
        blocks_((outputs_ + block_columns<T> - 1) / block_columns<T>),
        weight_(groups_ * blocks_ * block_size()),
        bias_(groups_ * blocks_ * block_columns<T>) {
    weight_.clear();
    bias_.clear();
  }

  void set_bias(const T* bias) {
    for (int64_t o = 0; o < groups_ * outputs_; ++o) {
      bias_[o / outputs_ * blocks_ * block_columns<T> + o % outputs_] = bias[o];
    }
  }

  /// From weights [groups * outputs, channels, kh, kw].
  void set_weight(const T* weight) {
    const int64_t taps = kh_ * kw_, depth = channels_ * taps;
    parallel_each(groups_ * blocks_, 1, [&](int64_t i) {
      const int64_t first = i % blocks_ * block_columns<T>;
      const T* const from = weight + (i / blocks_ * outputs_ + first) * depth;
      transpose_matrix<T, true>(
          smaller(block_columns<T>, outputs_ - first), depth,
          [&](int64_t o) { return from + o * depth; },
          [&](int64_t d) { return weights(i, d % taps, d / taps); });
    });
  }

  /// From weights [groups * channels, outputs, kh, kw].
  void set_reverse_weight(const T* weight) {
    const int64_t taps = kh_ * kw_;
    parallel_each(groups_ * channels_, 8, [&](int64_t c) {
      const T* from = weight + c * outputs_ * taps;
      for (int64_t o = 0; o < outputs_; ++o) {
        const int64_t block = c / channels_ * blocks_ + o / block_columns<T>;
        for (int64_t k = 0; k < taps; ++k) {
          weights(block, k, c % channels_)[o % block_columns<T>] = *from++;
        }
      }
    });
  }

  void run(T* y, const T* x) const {
    const int64_t source_plane = h_ * w_,
                  image_bytes = source_plane * pitch_ * static_cast<int64_t>(sizeof(T));
    const int64_t at_once = larger(1, smaller(most_images, cache_bytes / larger(1, image_bytes)));
    parallel_for((n_ + at_once - 1) / at_once * groups_, 1, [&](int64_t task, int64_t) {
      Workspace<T> pixels(at_once * source_plane * pitch_);
      Workspace<T> out(at_once * plane_ * block_columns<T>);
      Workspace<int64_t> source(at_once * plane_), target(at_once * plane_);
      const int64_t group = task % groups_, first = task / groups_ * at_once;
      const int64_t images = smaller(at_once, n_ - first);
      for (int64_t i = 0; i < images; ++i) {
        to_pixels(channels_, source_plane,
                  x + ((first + i) * groups_ + group) * channels_ * source_plane,
                  pixels.data() + i * source_plane * pitch_, pitch_);
      }
      list_pixels(images, source.data(), target.data());
      for (int64_t b = 0; b < blocks_; ++b) {
        convolve(group * blocks_ + b, images, pixels.data(), source.data(), target.data(),
                 out.data());
        for (int64_t i = 0; i < images; ++i) {
          const int64_t o = ((first + i) * groups_ + group) * outputs_ + b * block_columns<T>;
          from_pixels(block_outputs(b), out.data() + i * plane_ * block_columns<T>, y + o * plane_);
        }
      }
    });
  }

 private:
  int64_t block_size() const { return kh_ * kw_ * channels_ * block_columns<T>; }
  int64_t block_outputs(int64_t b) const {
    return smaller(block_columns<T>, outputs_ - b * block_columns<T>);
  }
  /// The row of weights of a block for a tap and channel.
  T* weights(int64_t block, int64_t tap, int64_t channel) const {
    const int64_t i = vertical_.slot(tap / kw_), j = horizontal_.slot(tap % kw_);
    return weight_.data() + block * block_size() +
           ((i * kw_ + j) * channels_ + channel) * block_columns<T>;
  }

  /// Calls body(row, column) for each pair of groups of places, in the order of the lists.
  template <class Body>
  void for_groups(const Body& body) const {
    for (int64_t i = 0; i < vertical_.groups(); ++i) {
      for (int64_t j = 0; j < horizontal_.groups(); ++j) {
        body(vertical_.group(i), horizontal_.group(j));
      }
    }
  }

  /// Where all output pixels of some images have their first tap, and where they are.
  void list_pixels(int64_t images, int64_t* source, int64_t* target) const {
    for_groups([&](const Places& row, const Places& column) {
      for (int64_t image = 0; image < images; ++image) {
        for (int64_t i = 0; i < row.count; ++i) {
          const int64_t h = image * h_ + row.source + i * vertical_.source_step();
          const int64_t to = image * plane_ + (row.first + i * vertical_.step()) * row_;
          for (int64_t j = 0; j < column.count; ++j) {
            const int64_t w = column.source + j * horizontal_.source_step();
            *source++ = (h * w_ + w) * pitch_;
            *target++ = (to + column.first + j * horizontal_.step()) * block_columns<T>;
          }
        }
      }
    });
  }

  void convolve(int64_t block, int64_t images, const T* pixels, const int64_t* source,
                const int64_t* target, T* out) const {
    const int64_t weight_run = channels_ * block_columns<T>;
    const bool one_vector = block_outputs(block % blocks_) <= width<T>;
    for_groups([&](const Places& row, const Places& column) {
      Taps taps = {.rows = column.taps > 0 ? row.taps : 0,
                   .source_row = vertical_.tap_distance() * w_ * pitch_,
                   .weight_row = kw_ * weight_run,
                   .runs = column.taps,
                   .source_run = horizontal_.tap_distance() * pitch_,
                   .weight_run = weight_run,
                   .length = channels_};
      if (taps.source_run == channels_) {  // pixels side by side
        taps.length *= taps.runs;
        taps.runs = 1;
      }
      const T* const weight =
          weight_.data() + block * block_size() + (row.slot * kw_ + column.slot) * weight_run;
      const T* const bias = bias_.data() + block * block_columns<T>;
      const int64_t n = images * row.count * column.count;
      for_blocks<block_rows>(0, n, [&]<int rows>(int64_t i) {
        const auto kernel =
            one_vector ? convolve_pixels<T, rows, 1> : convolve_pixels<T, rows, block_vectors>;
        kernel(taps, pixels, source + i, weight, bias, relu_, out, target + i);
      });
      source += n;
      target += n;
    });
  }

  void from_pixels(int64_t outputs, const T* pixels, T* y) const {
    transpose_matrix<T, false>(
        plane_, outputs, [&](int64_t i) { return pixels + i * block_columns<T>; },
        [&](int64_t o) { return y + o * plane_; });
  }

  Axis vertical_, horizontal_;
  bool relu_;
  int64_t n_, groups_, kh_, kw_, channels_, outputs_;
  int64_t h_, w_;        // of the source
  int64_t plane_, row_;  // pixels of an output plane and row
  int64_t pitch_;        // of source pixels
  int64_t blocks_;       // of outputs
  Workspace<T> weight_, bias_;
};

template <class T>
void forward(const ConvSizes& s, T* y, const T* x, const T* weight, const T* bias) {
  PixelMap<T> map(s, false);
  map.set_weight(weight);
  if (bias != nullptr) map.set_bias(bias);
  map.run(y, x);
}

template <class T>
void input_gradient(const ConvSizes& s, T* dx, const T* g, const T* weight) {
  PixelMap<T> map(s, true);
  map.set_reverse_weight(weight);
  map.run(dx, g);
}

// --- Weight gradient ---

/// sum[r] += sum of x[source[k] + r] g[target[k]] for n pixels: a vector of outputs for each of
/// `rows` channels.
template <class T, int rows, int vectors>
[[gnu::noinline]] void add_outer_products(int64_t n, const T* x, const int64_t* source, const T* g,
                                          const int64_t* target, T* sums, int64_t stride) {
  using V = Vector<T>;
  V sum[rows][vectors];
#pragma GCC unroll 12
  for (int r = 0; r < rows; ++r) {
#pragma GCC unroll 2
    for (int v = 0; v < vectors; ++v) sum[r][v] = load<V>(sums + r * stride + v * width<T>);
  }
  for (int64_t k = 0; k < n; ++k) {
    const T *const in = x + source[k], *const from = g + target[k];
    V out[vectors];
#pragma GCC unroll 2
    for (int v = 0; v < vectors; ++v) out[v] = load<V>(from + v * width<T>);
#pragma GCC unroll 12
    for (int r = 0; r < rows; ++r) {
      const V factor = broadcast<V>(in[r]);
#pragma GCC unroll 2
      for (int v = 0; v < vectors; ++v) sum[r][v] += factor * out[v];
    }
  }
#pragma GCC unroll 12
  for (int r = 0; r < rows; ++r) {
#pragma GCC unroll 2
    for (int v = 0; v < vectors; ++v) store(sums + r * stride + v * width<T>, sum[r][v]);
  }
}

/// What the weight gradients of all groups and images share. Sums are [tap][channel][output].
template <class T>
class WeightSums {
 public:
  explicit WeightSums(const ConvSizes& s)
      : s_(s),
        channels_(s.c / s.groups),
        outputs_(s.o / s.groups),
        taps_(s.kh * s.kw),
        // Not a power of two, so that pixels do not compete for the same cache lines.
        x_pitch_(round_up(channels_, width<T>) + width<T>),
        g_pitch_(round_up(outputs_, width<T>)) {}

  int64_t size() const { return taps_ * channels_ * g_pitch_; }

  /// The sums of one group over a chunk of images.
  void add(const ImageChunks& chunks, int64_t chunk, int64_t group, const T* x, const T* g,
           T* sums) const {
    std::memset(sums, 0, static_cast<size_t>(size()) * sizeof(T));
    const int64_t plane = s_.h * s_.w, out_plane = s_.oh * s_.ow;
    const int64_t tile_bytes = out_plane * (block_vectors + 1) * vector_bytes;
    const int64_t at_once = larger(1, smaller(chunks.per_chunk, cache_bytes / 4 / tile_bytes));
    Workspace<T> x_pixels(at_once * plane * x_pitch_), g_pixels(at_once * out_plane * g_pitch_);
    Workspace<int64_t> source(at_once * out_plane), target(at_once * out_plane);
    chunks.for_groups(chunk, at_once, [&](int64_t image, int64_t count) {
      for (int64_t i = 0; i < count; ++i) {
        const int64_t at = (image + i) * s_.groups + group;
        to_pixels(channels_, plane, x + at * channels_ * plane,
                  x_pixels.data() + i * plane * x_pitch_, x_pitch_);
        to_pixels(outputs_, out_plane, g + at * outputs_ * out_plane,
                  g_pixels.data() + i * out_plane * g_pitch_, g_pitch_);
      }
      for (int64_t tap = 0; tap < taps_; ++tap) {
        const int64_t n = list_pixels(tap, count, source.data(), target.data());
        add_tap(n, x_pixels.data(), source.data(), g_pixels.data(), target.data(),
                sums + tap * channels_ * g_pitch_);
      }
    });
  }

  /// The weight gradient of one group, outputs [first, first + a vector).
  void write(int64_t first, const T* sums, T* dweight) const {
    const int64_t depth = channels_ * taps_;
    transpose_matrix<T, false>(
        depth, smaller(outputs_ - first, width<T>),
        [&](int64_t d) { return sums + (d % taps_ * channels_ + d / taps_) * g_pitch_ + first; },
        [&](int64_t o) { return dweight + (first + o) * depth; });
  }

 private:
  /// The pixels of both that a tap brings together.
  int64_t list_pixels(int64_t tap, int64_t images, int64_t* source, int64_t* target) const {
    const int64_t top = tap / s_.kw * s_.dilation_h - s_.padding_h;
    const int64_t left = tap % s_.kw * s_.dilation_w - s_.padding_w;
    const Inside rows = inside(s_.h, s_.oh, s_.stride_h, top);
    const Inside columns = inside(s_.w, s_.ow, s_.stride_w, left);
    int64_t n = 0;
    for (int64_t image = 0; image < images; ++image) {
      for (int64_t i = rows.begin; i < rows.end; ++i) {
        const int64_t from = (image * s_.h + top + i * s_.stride_h) * s_.w + left;
        const int64_t to = (image * s_.oh + i) * s_.ow;
        for (int64_t j = columns.begin; j < columns.end; ++j, ++n) {
          source[n] = (from + j * s_.stride_w) * x_pitch_;
          target[n] = (to + j) * g_pitch_;
        }
      }
    }
    return n;
  }

  void add_tap(int64_t n, const T* x, const int64_t* source, const T* g, const int64_t* target,
               T* sums) const {
    for (int64_t o = 0; o < g_pitch_; o += block_columns<T>) {
      const bool one_vector = g_pitch_ - o <= width<T>;
      for_blocks<block_rows>(0, channels_, [&]<int rows>(int64_t c) {
        const auto kernel = one_vector ? add_outer_products<T, rows, 1>
                                       : add_outer_products<T, rows, block_vectors>;
        kernel(n, x + c, source, g + o, target, sums + c * g_pitch_ + o, g_pitch_);
      });
    }
  }

  const ConvSizes& s_;
  int64_t channels_, outputs_, taps_;
  int64_t x_pitch_, g_pitch_;
};

template <class T>
bool weight_gradient(const ConvSizes& s, T* dweight, T* /*dbias*/, const T* g, const T* x) {
  const WeightSums<T> gradient(s);
  const ImageChunks chunks(s.n);
  const int64_t size = s.groups * gradient.size();
  const Workspace<T> partial(larger(chunks.count, 1) * size);
  if (chunks.count == 0) std::memset(partial.data(), 0, static_cast<size_t>(size) * sizeof(T));
  parallel_each(chunks.count * s.groups, 1, [&](int64_t i) {
    gradient.add(chunks, i / s.groups, i % s.groups, x, g, partial.data() + i * gradient.size());
  });
  parallel_for(size, 1 << 14, [&](int64_t begin, int64_t end) {
    for (int64_t chunk = 1; chunk < chunks.count; ++chunk) {
      const T* const from = partial.data() + chunk * size;
      for (int64_t i = begin; i < end; ++i) partial[i] += from[i];
    }
  });
  const int64_t outputs = s.o / s.groups, vectors = (outputs + width<T> - 1) / width<T>;
  parallel_each(s.groups * vectors, 1, [&](int64_t i) {
    const int64_t group = i / vectors;
    gradient.write(i % vectors * width<T>, partial.data() + group * gradient.size(),
                   dweight + group * outputs * s.depth());
  });
  return false;
}

template <class T>
constexpr StridedConv<T> kernels_of<StridedConv<T>> = {forward<T>, input_gradient<T>,
                                                       weight_gradient<T>};

}  // namespace

template const StridedConv<float>& Tables<Isa::GRADUS_ISA>::get();
template const StridedConv<double>& Tables<Isa::GRADUS_ISA>::get();

}  // namespace gradus::kernels
