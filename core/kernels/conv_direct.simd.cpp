// Compiled once per instruction set; see isa.h.
//
// Convolution without stride, straight from the definition. Planes of the input are copied with
// their padding, and then an output element is at the same place in its plane as the input element
// under the first tap: one long row of elements, whole vectors of which are computed at once. The
// few elements between the end of an output row and the next are computed in vain.
#include "conv_direct.h"

#include <cstring>

#include "../base/parallel_for.h"
#include "conv_parts.h"
#include "simd.h"
#include "sizes.h"
#include "workspace.h"

namespace gradus::kernels {

namespace {

// Register tiles: what fits into the registers of the instruction set, with room for operands.
constexpr int block_outputs = vector_bytes == 64 ? 8 : 4, most_vectors = 6;
/// Vectors of a block; enough sums in all that additions need not wait for each other.
template <int outputs>
constexpr int block_vectors = outputs >= 4 ? 3 : most_vectors;
constexpr int block_taps = vector_bytes == 64 ? 6 : 3,
              gradient_outputs = vector_bytes == 64 ? 4 : 3;

/// The planes of one group of one image with their padding, each one long row.
struct Planes {
  int64_t width, plane;  // of a padded row and plane
  int64_t places;        // from the first output element to the last, in padded rows
  int64_t slack;         // what vectors may read beyond the last plane

  explicit Planes(const ConvSizes& s)
      : width(s.w + 2 * s.padding_w),
        plane((s.h + 2 * s.padding_h) * width),
        places((s.oh - 1) * width + s.ow),
        slack(0) {}
};

template <class T>
Planes planes_of(const ConvSizes& s) {
  Planes p(s);
  p.slack = most_vectors * width<T>;
  return p;
}

template <class T>
void copy_padded(const ConvSizes& s, const Planes& p, int64_t channels, const T* x, T* to) {
  std::memset(to, 0, static_cast<size_t>(channels * p.plane + p.slack) * sizeof(T));
  for (int64_t c = 0; c < channels; ++c) {
    for (int64_t h = 0; h < s.h; ++h) {
      std::memcpy(to + c * p.plane + (h + s.padding_h) * p.width + s.padding_w,
                  x + (c * s.h + h) * s.w, static_cast<size_t>(s.w) * sizeof(T));
    }
  }
}

/// Where the input element of each tap lies, from that of the first tap.
void fill_offsets(const ConvSizes& s, const Planes& p, int64_t* offset) {
  for (int64_t c = 0; c < s.c / s.groups; ++c) {
    for (int64_t i = 0; i < s.kh; ++i) {
      for (int64_t j = 0; j < s.kw; ++j) {
        *offset++ = c * p.plane + i * s.dilation_h * p.width + j * s.dilation_w;
      }
    }
  }
}

/// `outputs` rows of `places` elements: out[o] = bias[o] + sum of weight[k][o] x[offset[k]].
template <class T, int outputs>
void convolve_rows(const Planes& p, int64_t depth, const int64_t* offset, const T* x,
                   const T* weight, const T* bias, T* out, int64_t out_stride) {
  using V = Vector<T>;
  constexpr int vectors = block_vectors<outputs>;
  for (int64_t at = 0; at < p.places; at += vectors * width<T>) {
    V sum[outputs][vectors];
#pragma GCC unroll 8
    for (int o = 0; o < outputs; ++o) {
#pragma GCC unroll 6
      for (int v = 0; v < vectors; ++v) {
        sum[o][v] = broadcast<V>(bias != nullptr ? bias[o] : T(0));
      }
    }
    for (int64_t k = 0; k < depth; ++k) {
      const T* const from = x + at + offset[k];
      V in[vectors];
#pragma GCC unroll 6
      for (int v = 0; v < vectors; ++v) in[v] = load<V>(from + v * width<T>);
#pragma GCC unroll 8
      for (int o = 0; o < outputs; ++o) {
        const V factor = broadcast<V>(weight[k * outputs + o]);
#pragma GCC unroll 6
        for (int v = 0; v < vectors; ++v) sum[o][v] += factor * in[v];
      }
    }
#pragma GCC unroll 8
    for (int o = 0; o < outputs; ++o) {
#pragma GCC unroll 6
      for (int v = 0; v < vectors; ++v) {
        store(out + o * out_stride + at + v * width<T>, sum[o][v]);
      }
    }
  }
}

/// Calls `body.template operator()<outputs>(first)` for blocks of outputs, the largest first.
template <int outputs, class Body>
void for_blocks(int64_t first, int64_t total, const Body& body) {
  for (; first + outputs <= total; first += outputs) body.template operator()<outputs>(first);
  if constexpr (outputs > 1) {
    if (first < total) for_blocks<outputs / 2>(first, total, body);
  }
}

/// weight [o, c / groups, kh, kw] of one group to [block of outputs][tap][output].
template <class T>
void pack_weight(int64_t outputs, int64_t depth, const T* weight, T* to) {
  for_blocks<block_outputs>(0, outputs, [&]<int n>(int64_t first) {
    for (int64_t k = 0; k < depth; ++k) {
      for (int o = 0; o < n; ++o) to[first * depth + k * n + o] = weight[(first + o) * depth + k];
    }
  });
}

template <class T>
void forward(const ConvSizes& s, T* y, const T* x, const T* weight, const T* bias) {
  const int64_t depth = s.depth(), outputs = s.o / s.groups, channels = s.c / s.groups;
  const Planes p = planes_of<T>(s);
  const int64_t row = round_up(p.places, p.slack);
  Workspace<int64_t> offset(depth);
  fill_offsets(s, p, offset.data());
  Workspace<T> packed(s.o * depth);
  for (int64_t g = 0; g < s.groups; ++g) {
    pack_weight(outputs, depth, weight + g * outputs * depth, packed.data() + g * outputs * depth);
  }
  const int64_t work = depth * outputs * p.places, tasks = (1 << 20) / (work > 0 ? work : 1);
  parallel_for(s.n * s.groups, tasks, [&](int64_t begin, int64_t end) {
    Workspace<T> in(channels * p.plane + p.slack), out(block_outputs * row);
    for (int64_t task = begin; task < end; ++task) {
      const int64_t group = task % s.groups;
      copy_padded(s, p, channels, x + task * channels * s.h * s.w, in.data());
      for_blocks<block_outputs>(0, outputs, [&]<int n>(int64_t first) {
        const int64_t o = group * outputs + first;
        convolve_rows<T, n>(p, depth, offset.data(), in.data(), packed.data() + o * depth,
                            bias != nullptr ? bias + o : nullptr, out.data(), row);
        T* to = y + (task * outputs + first) * s.oh * s.ow;
        for (int64_t i = 0; i < n * s.oh; ++i, to += s.ow) {
          const T* const from = out.data() + i / s.oh * row + i % s.oh * p.width;
          std::memcpy(to, from, static_cast<size_t>(s.ow) * sizeof(T));
        }
      });
    }
  });
}

/// The weight of the convolution that makes the input gradient: [c, o / groups, kh, kw] with the
/// taps in reverse.
template <class T>
void reverse_weight(const ConvSizes& s, const T* weight, T* to) {
  const int64_t channels = s.c / s.groups, outputs = s.o / s.groups, taps = s.kh * s.kw;
  for (int64_t g = 0; g < s.groups; ++g) {
    for (int64_t c = 0; c < channels; ++c) {
      for (int64_t o = 0; o < outputs; ++o) {
        const T* const from = weight + ((g * outputs + o) * channels + c) * taps;
        for (int64_t k = 0; k < taps; ++k) *to++ = from[taps - 1 - k];
      }
    }
  }
}

template <class T>
void input_gradient(const ConvSizes& s, T* dx, const T* g, const T* weight) {
  Workspace<T> reversed(s.o * s.depth());
  reverse_weight(s, weight, reversed.data());
  forward<T>(input_gradient_sizes(s), dx, g, reversed.data(), nullptr);
}

/// Adds to sum[o][tap], vectors of partial sums, the products of rows g[o] and x at each tap.
template <class T, int outputs, int taps>
void add_shifted_products(int64_t places, const int64_t* offset, const T* x, const T* g,
                          int64_t g_stride, T* sum, int64_t sum_stride) {
  using V = Vector<T>;
  V total[outputs][taps];
#pragma GCC unroll 4
  for (int o = 0; o < outputs; ++o) {
#pragma GCC unroll 6
    for (int k = 0; k < taps; ++k) total[o][k] = load<V>(sum + o * sum_stride + k * width<T>);
  }
  for (int64_t at = 0; at < places; at += width<T>) {
    V out[outputs];
#pragma GCC unroll 4
    for (int o = 0; o < outputs; ++o) out[o] = load<V>(g + o * g_stride + at);
#pragma GCC unroll 6
    for (int k = 0; k < taps; ++k) {
      const V in = load<V>(x + offset[k] + at);
#pragma GCC unroll 4
      for (int o = 0; o < outputs; ++o) total[o][k] += out[o] * in;
    }
  }
#pragma GCC unroll 4
  for (int o = 0; o < outputs; ++o) {
#pragma GCC unroll 6
    for (int k = 0; k < taps; ++k) store(sum + o * sum_stride + k * width<T>, total[o][k]);
  }
}

/// Rows of the output gradient at the places of `Planes`, with zeros between them.
template <class T>
void copy_spread(const ConvSizes& s, const Planes& p, int64_t outputs, int64_t row, const T* g,
                 T* to) {
  std::memset(to, 0, static_cast<size_t>(outputs * row) * sizeof(T));
  for (int64_t o = 0; o < outputs; ++o) {
    for (int64_t i = 0; i < s.oh; ++i) {
      std::memcpy(to + o * row + i * p.width, g + (o * s.oh + i) * s.ow,
                  static_cast<size_t>(s.ow) * sizeof(T));
    }
  }
}

template <class T>
void weight_gradient(const ConvSizes& s, T* dweight, const T* g, const T* x) {
  constexpr int64_t w = width<T>;
  const int64_t depth = s.depth(), outputs = s.o / s.groups, channels = s.c / s.groups;
  const Planes p = planes_of<T>(s);
  const int64_t row = round_up(p.places, w), size = s.o * depth;
  Workspace<int64_t> offset(depth);
  fill_offsets(s, p, offset.data());
  const ImageChunks chunks(s.n);
  Workspace<T> partial(chunks.count * size * w);
  parallel_for(chunks.count * s.groups, 1, [&](int64_t begin, int64_t end) {
    Workspace<T> in(channels * p.plane + p.slack), out(outputs * row);
    for (int64_t task = begin; task < end; ++task) {
      const int64_t group = task % s.groups;
      T* const sums = partial.data() + (task / s.groups * s.o + group * outputs) * depth * w;
      std::memset(sums, 0, static_cast<size_t>(outputs * depth * w) * sizeof(T));
      chunks.for_each(task / s.groups, [&](int64_t n) {
        const int64_t image = n * s.groups + group;
        copy_padded(s, p, channels, x + image * channels * s.h * s.w, in.data());
        copy_spread(s, p, outputs, row, g + image * outputs * s.oh * s.ow, out.data());
        for_blocks<gradient_outputs>(0, outputs, [&]<int os>(int64_t o) {
          for_blocks<block_taps>(0, depth, [&]<int ks>(int64_t k) {
            add_shifted_products<T, os, ks>(p.places, offset.data() + k, in.data(),
                                            out.data() + o * row, row, sums + (o * depth + k) * w,
                                            depth * w);
          });
        });
      });
    }
  });
  parallel_for(size, 1024, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      Vector<T> total = {};
      for (int64_t c = 0; c < chunks.count; ++c) {
        total += load<Vector<T>>(partial.data() + (c * size + i) * w);
      }
      dweight[i] = sum_of<T>(total);
    }
  });
}

template <class T>
constexpr DirectConv<T> direct_table = {forward<T>, input_gradient<T>, weight_gradient<T>};

}  // namespace

template <>
template <>
const DirectConv<float>& Tables<Isa::GRADUS_ISA>::get() {
  return direct_table<float>;
}
template <>
template <>
const DirectConv<double>& Tables<Isa::GRADUS_ISA>::get() {
  return direct_table<double>;
}

}  // namespace gradus::kernels
