// Compiled once per instruction set; see isa.h.
//
// Convolution straight from the definition. Inputs are copied so that an output
// element is at the same place in its plane as the input element under the first tap, and those
// under the others at fixed distances: whole vectors of outputs are computed at once.
#include <cstring>

#include "../base/parallel_for.h"
#include "../simd/kernels_of.h"
#include "direct_parts.simd.h"

namespace gradus::kernels {

namespace {

// Register tiles: what fits into the registers of the instruction set, with room for operands.
constexpr int block_outputs = vector_bytes == 64 ? 8 : 4;
/// Vectors of a block; enough sums in all that additions need not wait for each other.
template <int outputs>
constexpr int block_vectors = outputs == 8   ? 2
                              : outputs == 4 ? 3
                                             : most_vectors;
constexpr int block_taps = vector_bytes == 64 ? 6 : 3,
              gradient_outputs = vector_bytes == 64 ? 4 : 3;

constexpr int64_t piece_work = 1 << 20;  // products that are worth a piece of parallel_for

/// `outputs` planes: out[o] = bias[o] + sum of weight[k][o] x[offset[k]]; with `relu`, 0 instead of
/// negative numbers.
template <class T, int outputs>
[[gnu::noinline]] void convolve_planes(const Cover<T>& cover, int64_t depth, const int64_t* offset,
                                       const T* x, const T* weight, const T* bias, bool relu,
                                       T* out, int64_t out_stride) {
  using V = Vector<T>;
  constexpr int vectors = block_vectors<outputs>;
  for (int64_t at = 0; at < cover.size(); at += vectors) {
    V sum[outputs][vectors];
#pragma GCC unroll 8
    for (int o = 0; o < outputs; ++o) {
#pragma GCC unroll 6
      for (int v = 0; v < vectors; ++v) {
        sum[o][v] = broadcast<V>(bias != nullptr ? bias[o] : T(0));
      }
    }
    const T* from[vectors];
#pragma GCC unroll 6
    for (int v = 0; v < vectors; ++v) from[v] = x + cover.in()[at + v];
    for (int64_t k = 0; k < depth; ++k) {
      V in[vectors];
#pragma GCC unroll 6
      for (int v = 0; v < vectors; ++v) in[v] = load<V>(from[v] + offset[k]);
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
        const V result = relu ? without_negative(sum[o][v]) : sum[o][v];
        store(out + o * out_stride + cover.out()[at + v], result);
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

/// weight[o * stride + k * tap_stride] to [block of outputs][tap][output].
template <class T>
void pack_weight(int64_t outputs, int64_t depth, const T* weight, int64_t stride,
                 int64_t tap_stride, T* to) {
  for_blocks<block_outputs>(0, outputs, [&]<int n>(int64_t first) {
    for (int64_t k = 0; k < depth; ++k) {
      for (int o = 0; o < n; ++o) {
        to[first * depth + k * n + o] = weight[(first + o) * stride + k * tap_stride];
      }
    }
  });
}

template <class T>
void forward(const ConvSizes& s, T* y, const T* x, const T* weight, const T* bias) {
  const int64_t depth = s.depth(), outputs = s.o / s.groups, channels = s.c / s.groups;
  const int64_t plane = s.oh * s.ow;
  const Planes p = planes_of<T>(s, 1, suits_shifted<T>(s));
  const Cover<T> cover(p);
  Workspace<int64_t> offset(depth);
  fill_offsets(s, p, offset.data());
  Workspace<T> packed(s.o * depth);
  for (int64_t g = 0; g < s.groups; ++g) {
    const int64_t at = g * outputs * depth;
    pack_weight(outputs, depth, weight + at, depth, 1, packed.data() + at);
  }
  const int64_t work = depth * outputs * p.places;
  parallel_for(s.n * s.groups, piece_work / larger(work, 1), [&](int64_t begin, int64_t end) {
    Inputs<T> in(s, p);
    Workspace<T> places(cover.by_rows() ? 0 : block_outputs * cover.row());
    for (int64_t task = begin; task < end; ++task) {
      const int64_t group = task % s.groups;
      in.copy(0, x + task * channels * s.h * s.w);
      for_blocks<block_outputs>(0, outputs, [&]<int n>(int64_t first) {
        const int64_t o = group * outputs + first;
        T* to = y + (task * outputs + first) * plane;
        convolve_planes<T, n>(cover, depth, offset.data(), in.data(), packed.data() + o * depth,
                              bias != nullptr ? bias + o : nullptr, s.relu,
                              cover.by_rows() ? to : places.data(),
                              cover.by_rows() ? plane : cover.row());
        if (cover.by_rows()) return;
        for (int i = 0; i < n; ++i) {
          const T* from = places.data() + i * cover.row();
          for (int64_t h = 0; h < s.oh; ++h, from += p.width, to += s.ow) copy_row(s.ow, from, to);
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

/// dx from the gradients of the columns, which are one matrix product: for few channels, and then
/// no product is with padding.
template <class T>
void input_gradient_by_columns(const ConvSizes& s, T* dx, const T* g, const T* weight) {
  const int64_t depth = s.depth(), outputs = s.o / s.groups, channels = s.c / s.groups;
  const int64_t plane = s.oh * s.ow, inputs = channels * s.h * s.w;
  const Planes p = planes_of<T>(s, 1, true);
  const Cover<T> cover(p);
  Workspace<int64_t> tap(depth), offset(outputs);
  fill_offsets(s, p, tap.data());
  for (int64_t o = 0; o < outputs; ++o) offset[o] = o * plane;
  Workspace<T> packed(s.o * depth);
  for (int64_t group = 0; group < s.groups; ++group) {
    const int64_t at = group * outputs * depth;
    pack_weight(depth, outputs, weight + at, 1, depth, packed.data() + at);
  }
  const int64_t work = at_least_one(depth * outputs * plane);
  parallel_for(s.n * s.groups, piece_work / work, [&](int64_t begin, int64_t end) {
    Workspace<T> columns(depth * plane), shifted(channels * p.channel);
    for (int64_t task = begin; task < end; ++task) {
      for_blocks<block_outputs>(0, depth, [&]<int n>(int64_t first) {
        convolve_planes<T, n>(cover, outputs, offset.data(), g + task * outputs * plane,
                              packed.data() + (task % s.groups * depth + first) * outputs,
                              static_cast<const T*>(nullptr), false, columns.data() + first * plane,
                              plane);
      });
      shifted.clear();
      for (int64_t k = 0; k < depth; ++k) {
        add_row(plane, columns.data() + k * plane, shifted.data() + tap[k]);
      }
      std::memset(dx + task * inputs, 0, static_cast<size_t>(inputs) * sizeof(T));
      for_rows(s, p, [&](int64_t n, int64_t row, int64_t at) {
        const T* const from = shifted.data() + at;
        T* const to = dx + task * inputs + row;
        if (s.stride_w == 1) return add_row(n, from, to);
        with_stride(s.stride_w, [&](auto stride) {
          for (int64_t i = 0; i < n; ++i) to[i * stride] += from[i];
        });
      });
    }
  });
}

template <class T>
bool has_columns(const ConvSizes& s) {
  constexpr int64_t most_bytes = int64_t{1} << 21;
  const int64_t plane = s.oh * s.ow;
  return plane >= width<T> && s.depth() * plane * int64_t{sizeof(T)} <= most_bytes;
}

/// Adding columns up costs as much as several outputs; but a block of few channels loads more than
/// it computes.
template <class T>
bool suits_columns(const ConvSizes& s) {
  constexpr int64_t cost_of_sum = 6;
  const int64_t outputs = s.o / s.groups, channels = s.c / s.groups;
  const int64_t by_rows = s.h * vectors_of<T>(s.w), by_plane = vectors_of<T>(s.oh * s.ow);
  const int64_t loads = channels < 4 ? 2 : 1;
  return has_columns<T>(s) && by_plane * (outputs + cost_of_sum) < by_rows * loads * outputs;
}

template <class T>
void input_gradient(const ConvSizes& s, T* dx, const T* g, const T* weight) {
  if (!s.has_mirror() || suits_columns<T>(s)) return input_gradient_by_columns(s, dx, g, weight);
  Workspace<T> reversed(s.o * s.depth());
  reverse_weight(s, weight, reversed.data());
  forward<T>(s.of_input_gradient(), dx, g, reversed.data(), nullptr);
}

/// Adds to sum[o][tap], vectors of partial sums, the products of planes g[o] and x at each tap. Of
/// every last vector of a row, `overlap` elements have been in the one before.
template <class T, int outputs, int taps>
[[gnu::noinline]] void add_shifted_products(const Cover<T>& cover, int64_t vectors,
                                            const int64_t* overlap, const int64_t* offset,
                                            const T* x, const T* g, int64_t g_stride, T* sum,
                                            int64_t sum_stride) {
  using V = Vector<T>;
  V total[outputs][taps];
#pragma GCC unroll 4
  for (int o = 0; o < outputs; ++o) {
#pragma GCC unroll 6
    for (int k = 0; k < taps; ++k) total[o][k] = load<V>(sum + o * sum_stride + k * width<T>);
  }
  const T* tap[taps];
#pragma GCC unroll 6
  for (int k = 0; k < taps; ++k) tap[k] = x + offset[k];
  for (int64_t i = 0; i < vectors; ++i) {
    const T* const from = g + cover.out()[i];
    V out[outputs];
#pragma GCC unroll 4
    for (int o = 0; o < outputs; ++o) {
      out[o] = without_first<T>(overlap[i], load<V>(from + o * g_stride));
    }
    const int64_t at = cover.in()[i];
#pragma GCC unroll 6
    for (int k = 0; k < taps; ++k) {
      const V in = load<V>(tap[k] + at);
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

/// Adds the planes g[o] themselves to sum[o].
template <class T, int outputs>
[[gnu::noinline]] void add_planes(const Cover<T>& cover, int64_t vectors, const int64_t* overlap,
                                  const T* g, int64_t g_stride, T* sum, int64_t sum_stride) {
  using V = Vector<T>;
  V total[outputs] = {};
  for (int64_t i = 0; i < vectors; ++i) {
    const T* const from = g + cover.out()[i];
#pragma GCC unroll 4
    for (int o = 0; o < outputs; ++o) {
      total[o] += without_first<T>(overlap[i], load<V>(from + o * g_stride));
    }
  }
  for (int o = 0; o < outputs; ++o) {
    store(sum + o * sum_stride, load<V>(sum + o * sum_stride) + total[o]);
  }
}

/// What the weight gradients of all groups and images share.
template <class T>
class WeightGradient {
 public:
  explicit WeightGradient(const ConvSizes& s)
      : s_(s),
        planes_(planes_of<T>(s, images_at_once(s), suits_shifted<T>(s))),
        cover_(planes_, s.o * s.oh * s.ow),
        offset_(s.depth()),
        overlap_(cover_.size()) {
    fill_offsets(s, planes_, offset_.data());
    for (int64_t i = 0; i < cover_.size(); ++i) overlap_[i] = cover_.overlap(i, planes_.columns);
  }

  /// The sums [o, depth + 1] of vectors for one chunk of images and groups [first, last): of each
  /// tap, and of g if `adds_planes`.
  void sum(const ImageChunks& chunks, int64_t chunk, int64_t first, int64_t last, const T* x,
           const T* g, bool adds_planes, T* sums) const {
    const int64_t inputs = s_.c / s_.groups * s_.h * s_.w;
    const int64_t outputs = s_.o / s_.groups * s_.oh * s_.ow;
    const int64_t group_size = s_.o / s_.groups * (s_.depth() + 1) * width<T>;
    std::memset(sums, 0, static_cast<size_t>((last - first) * group_size) * sizeof(T));
    Inputs<T> in(s_, planes_);
    // Output gradients stay in place if vectors go by rows; else they are copied to places.
    const bool in_place = cover_.by_rows();
    const int64_t g_stride = in_place ? s_.oh * s_.ow : cover_.row();
    PlaneCopies<T> out(planes_, s_.o / s_.groups, g_stride,
                       in_place ? 0 : s_.o / s_.groups * g_stride);
    chunks.for_groups(chunk, planes_.images, [&](int64_t image, int64_t count) {
      if (count < planes_.images) {
        in.clear();
        out.clear();
      }
      // Groups inside, so that images are read from their first element to their last.
      for (int64_t group = first; group < last; ++group) {
        for (int64_t i = 0; i < count; ++i) {
          const int64_t at = (image + i) * s_.groups + group;
          in.copy(i, x + at * inputs);
          if (!in_place) out.copy(i, g + at * outputs);
        }
        const T* const from = in_place ? g + (image * s_.groups + group) * outputs : out.data();
        add_group(cover_.size_of(count), in.data(), from, g_stride, adds_planes,
                  sums + (group - first) * group_size);
      }
    });
  }

 private:
  /// So many that sums are not loaded and stored more often than they are added to.
  static int64_t images_at_once(const ConvSizes& s) {
    constexpr int64_t most = 8, vectors = 64;
    const int64_t size = cover_size<T>(planes_of<T>(s, 1, suits_shifted<T>(s)));
    return smaller(most, at_least_one(vectors / at_least_one(size)));
  }

  void add_group(int64_t vectors, const T* x, const T* g, int64_t g_stride, bool adds_planes,
                 T* sums) const {
    const int64_t depth = s_.depth(), row = (depth + 1) * width<T>;
    for_blocks<4>(0, adds_planes ? s_.o / s_.groups : 0, [&]<int os>(int64_t o) {
      add_planes<T, os>(cover_, vectors, overlap_.data(), g + o * g_stride, g_stride,
                        sums + o * row + depth * width<T>, row);
    });
    for_blocks<gradient_outputs>(0, s_.o / s_.groups, [&]<int os>(int64_t o) {
      for_blocks<block_taps>(0, depth, [&]<int ks>(int64_t k) {
        add_shifted_products<T, os, ks>(cover_, vectors, overlap_.data(), offset_.data() + k, x,
                                        g + o * g_stride, g_stride, sums + o * row + k * width<T>,
                                        row);
      });
    });
  }

  const ConvSizes& s_;
  Planes planes_;
  Cover<T> cover_;
  Workspace<int64_t> offset_, overlap_;
};

template <class T>
bool weight_gradient(const ConvSizes& s, T* dweight, T* dbias, const T* g, const T* x) {
  constexpr int64_t w = width<T>;
  const WeightGradient<T> gradient(s);
  const ImageChunks chunks(s.n);
  const int64_t depth = s.depth(), row = depth + 1, size = s.o * row;
  const int64_t work = size / s.groups * s.oh * s.ow * chunks.per_chunk;
  const int64_t piece = larger(1, smaller(s.groups, 4 * piece_work / larger(work, 1)));
  const int64_t pieces = (s.groups + piece - 1) / piece;  // of each chunk
  Workspace<T> partial(chunks.count * size * w);
  parallel_for(chunks.count * pieces, 1, [&](int64_t begin, int64_t) {
    const int64_t chunk = begin / pieces, first = begin % pieces * piece;
    const int64_t last = smaller(first + piece, s.groups);
    gradient.sum(chunks, chunk, first, last, x, g, dbias != nullptr,
                 partial.data() + (chunk * s.groups + first) * (size / s.groups) * w);
  });
  parallel_each(size, 1024, [&](int64_t i) {
    Vector<T> total = {};
    for (int64_t c = 0; c < chunks.count; ++c) {
      total += load<Vector<T>>(partial.data() + (c * size + i) * w);
    }
    const int64_t o = i / row, k = i % row;
    if (k < depth) dweight[o * depth + k] = sum_of<T>(total);
    if (k == depth && dbias != nullptr) dbias[o] = sum_of<T>(total);
  });
  return true;
}

template <class T>
constexpr DirectConv<T> kernels_of<DirectConv<T>> = {
    {forward<T>, input_gradient<T>, weight_gradient<T>}, has_columns<T>};

}  // namespace

template const DirectConv<float>& Tables<Isa::GRADUS_ISA>::get();
template const DirectConv<double>& Tables<Isa::GRADUS_ISA>::get();

}  // namespace gradus::kernels
