// Compiled once per instruction set; see isa.h.
//
// Convolution without stride, straight from the definition. Planes of the input are copied with
// their padding, and then an output element is at the same place in its plane as the input element
// under the first tap: one long row of elements, whole vectors of which are computed at once. The
// few elements between the end of an output row and the next are computed in vain.
#include <cstring>

#include "../base/parallel_for.h"
#include "../simd/kernels_of.h"
#include "../simd/simd.h"
#include "../simd/sizes.h"
#include "../simd/workspace.h"
#include "conv_kernel.h"

namespace gradus::kernels {

namespace {

// Register tiles: what fits into the registers of the instruction set, with room for operands.
constexpr int block_outputs = vector_bytes == 64 ? 8 : 4, most_vectors = 6;
/// Vectors of a block; enough sums in all that additions need not wait for each other.
template <int outputs>
constexpr int block_vectors = outputs >= 4 ? 3 : most_vectors;
constexpr int block_taps = vector_bytes == 64 ? 6 : 3,
              gradient_outputs = vector_bytes == 64 ? 4 : 3;

constexpr int64_t piece_work = 1 << 20;  // products that are worth a piece of parallel_for

/// The planes of one group of a few images with their padding: channel by channel one long row that
/// has the plane of each image.
struct Planes {
  int64_t images;
  int64_t width, plane, channel;  // elements of a padded row, plane and channel
  int64_t places;                 // from the first output element to the last, in padded rows
  int64_t slack;                  // what vectors may read beyond the last plane
};

template <class T>
Planes planes_of(const ConvSizes& s, int64_t images = 1) {
  const int64_t w = s.w + 2 * s.padding_w, plane = (s.h + 2 * s.padding_h) * w;
  return {.images = images,
          .width = w,
          .plane = plane,
          .channel = images * plane,
          .places = (images - 1) * plane + (s.oh - 1) * w + s.ow,
          .slack = most_vectors * width<T>};
}

/// Whether output rows have at least one vector, so that full vectors cover them.
template <class T>
bool has_long_rows(const ConvSizes& s) {
  return s.ow >= width<T>;
}

/// The vectors that make up an output plane: long rows one by one, where the last vector of a row
/// overlaps the one before; otherwise all places one after the other, elements between rows
/// included.
template <class T>
class Cover {
 public:
  Cover(const ConvSizes& s, const Planes& p)
      : by_rows_(has_long_rows<T>(s)),
        size_(by_rows_ ? s.oh * vectors_of(s.ow) : vectors_of(p.places)),
        row_(round_up(p.places, p.slack)),
        in_(size_ + most_vectors),
        out_(size_ + most_vectors) {
    int64_t at = 0;
    const auto add = [&](int64_t in, int64_t out) {
      in_[at] = in;
      out_[at++] = out;
    };
    if (!by_rows_) {
      while (at < size_) add(at * width<T>, at * width<T>);
    }
    for (int64_t h = 0; by_rows_ && h < s.oh; ++h) {
      for (int64_t i = 0; i < s.ow; i += width<T>) {
        const int64_t column = smaller(i, s.ow - width<T>);
        add(h * p.width + column, h * s.ow + column);
      }
    }
    while (at < size_ + most_vectors) add(in_[size_ - 1], out_[size_ - 1]);
  }
  static int64_t vectors_of(int64_t n) { return (n + width<T> - 1) / width<T>; }

  bool by_rows() const { return by_rows_; }
  int64_t size() const { return size_; }
  /// Where vector i begins in the padded input, and in the output or the row of places. Some more
  /// than there are repeat the last one.
  const int64_t* in() const { return in_.data(); }
  const int64_t* out() const { return out_.data(); }
  /// Room for all positions, in full vectors.
  int64_t row() const { return row_; }

 private:
  bool by_rows_;
  int64_t size_, row_;
  Workspace<int64_t> in_, out_;
};

/// Copies a row, which is often too short for a call of memcpy to pay.
template <class T>
[[gnu::always_inline]] inline void copy_row(int64_t n, const T* from, T* to) {
  map_vectors<T>(n, [&]<class V>(int64_t i) { store(to + i, load<V>(from + i)); });
}

/// Where planes of one group are copied to, row by row. What lies between the rows is 0 and stays.
template <class T>
class PlaneCopies {
 public:
  /// Room for `size` elements: the first plane begins at `first`, the next one `stride` later.
  PlaneCopies(const Planes& p, int64_t count, int64_t rows, int64_t columns, int64_t first,
              int64_t stride, int64_t size)
      : p_(p),
        count_(count),
        rows_(rows),
        columns_(columns),
        first_(first),
        stride_(stride),
        memory_(size) {
    clear();
  }
  void clear() { memory_.clear(); }
  /// Copies those at x, as image number `image`.
  void copy(int64_t image, const T* x) {
    T* to = memory_.data() + image * p_.plane + first_;
    for (int64_t c = 0; c < count_; ++c, to += stride_) {
      for (int64_t h = 0; h < rows_; ++h, x += columns_) copy_row(columns_, x, to + h * p_.width);
    }
  }
  const T* data() const { return memory_.data(); }

 private:
  const Planes& p_;
  int64_t count_, rows_, columns_, first_, stride_;
  Workspace<T> memory_;
};

/// Those of the input, with their padding.
template <class T>
struct PaddedPlanes : PlaneCopies<T> {
  PaddedPlanes(const ConvSizes& s, const Planes& p)
      : PlaneCopies<T>(p, s.c / s.groups, s.h, s.w, s.padding_h * p.width + s.padding_w, p.channel,
                       s.c / s.groups * p.channel + p.slack) {}
};

/// The offset of the input element of each tap from that of the first tap.
void fill_offsets(const ConvSizes& s, const Planes& p, int64_t* offset) {
  for (int64_t c = 0; c < s.c / s.groups; ++c) {
    for (int64_t i = 0; i < s.kh; ++i) {
      for (int64_t j = 0; j < s.kw; ++j) {
        *offset++ = c * p.channel + i * s.dilation_h * p.width + j * s.dilation_w;
      }
    }
  }
}

/// `outputs` planes: out[o] = bias[o] + sum of weight[k][o] x[offset[k]].
template <class T, int outputs>
[[gnu::noinline]] void convolve_planes(const Cover<T>& cover, int64_t depth, const int64_t* offset,
                                       const T* x, const T* weight, const T* bias, T* out,
                                       int64_t out_stride) {
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
        store(out + o * out_stride + cover.out()[at + v], sum[o][v]);
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
  const int64_t plane = s.oh * s.ow;
  const Planes p = planes_of<T>(s);
  const Cover<T> cover(s, p);
  Workspace<int64_t> offset(depth);
  fill_offsets(s, p, offset.data());
  Workspace<T> packed(s.o * depth);
  for (int64_t g = 0; g < s.groups; ++g) {
    pack_weight(outputs, depth, weight + g * outputs * depth, packed.data() + g * outputs * depth);
  }
  const int64_t work = depth * outputs * p.places;
  parallel_for(s.n * s.groups, piece_work / larger(work, 1), [&](int64_t begin, int64_t end) {
    PaddedPlanes<T> padded(s, p);
    Workspace<T> places(cover.by_rows() ? 0 : block_outputs * cover.row());
    for (int64_t task = begin; task < end; ++task) {
      const int64_t group = task % s.groups;
      padded.copy(0, x + task * channels * s.h * s.w);
      for_blocks<block_outputs>(0, outputs, [&]<int n>(int64_t first) {
        const int64_t o = group * outputs + first;
        T* to = y + (task * outputs + first) * plane;
        convolve_planes<T, n>(cover, depth, offset.data(), padded.data(), packed.data() + o * depth,
                              bias != nullptr ? bias + o : nullptr,
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

template <class T>
void input_gradient(const ConvSizes& s, T* dx, const T* g, const T* weight) {
  Workspace<T> reversed(s.o * s.depth());
  reverse_weight(s, weight, reversed.data());
  forward<T>(s.of_input_gradient(), dx, g, reversed.data(), nullptr);
}

/// Adds to sum[o][tap], vectors of partial sums, the products of planes g[o] and x at each tap. Of
/// every last vector of a row, `overlap` elements have been in the one before.
template <class T, int outputs, int taps>
[[gnu::noinline]] void add_shifted_products(const Cover<T>& cover, const int64_t* overlap,
                                            const int64_t* offset, const T* x, const T* g,
                                            int64_t g_stride, T* sum, int64_t sum_stride) {
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
  for (int64_t i = 0; i < cover.size(); ++i) {
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

/// What the weight gradients of all groups and images share.
template <class T>
class WeightGradient {
 public:
  explicit WeightGradient(const ConvSizes& s)
      : s_(s),
        planes_(planes_of<T>(s, images_at_once(s))),
        cover_(s, planes_),
        offset_(s.depth()),
        overlap_(cover_.size()) {
    fill_offsets(s, planes_, offset_.data());
    const int64_t per_row = cover_.vectors_of(s.ow);
    for (int64_t i = 0; i < cover_.size(); ++i) {
      const bool last = cover_.by_rows() && i % per_row == per_row - 1;
      overlap_[i] = last ? per_row * width<T> - s.ow : 0;
    }
  }

  /// The sums [o, depth] of vectors for one chunk of images and groups [first, last).
  void sum(const ImageChunks& chunks, int64_t chunk, int64_t first, int64_t last, const T* x,
           const T* g, T* sums) const {
    const int64_t inputs = s_.c / s_.groups * s_.h * s_.w;
    const int64_t outputs = s_.o / s_.groups * s_.oh * s_.ow;
    const int64_t group_size = s_.o / s_.groups * s_.depth() * width<T>;
    std::memset(sums, 0, static_cast<size_t>((last - first) * group_size) * sizeof(T));
    PaddedPlanes<T> in(s_, planes_);
    // Output gradients stay in place if vectors go by rows; else they are copied to places.
    const bool in_place = cover_.by_rows();
    const int64_t g_stride = in_place ? s_.oh * s_.ow : cover_.row();
    PlaneCopies<T> out(planes_, s_.o / s_.groups, s_.oh, s_.ow, 0, g_stride,
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
        add_group(in.data(), from, g_stride, sums + (group - first) * group_size);
      }
    });
  }

 private:
  /// So many that sums are not loaded and stored more often than they are added to.
  static int64_t images_at_once(const ConvSizes& s) {
    constexpr int64_t most = 8, vectors = 64;
    if (has_long_rows<T>(s)) return 1;
    const int64_t size = Cover<T>::vectors_of(planes_of<T>(s).plane);
    return smaller(most, larger(1, vectors / size));
  }

  void add_group(const T* x, const T* g, int64_t g_stride, T* sums) const {
    const int64_t depth = s_.depth(), row = depth * width<T>;
    for_blocks<gradient_outputs>(0, s_.o / s_.groups, [&]<int os>(int64_t o) {
      for_blocks<block_taps>(0, depth, [&]<int ks>(int64_t k) {
        add_shifted_products<T, os, ks>(cover_, overlap_.data(), offset_.data() + k, x,
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
void weight_gradient(const ConvSizes& s, T* dweight, const T* g, const T* x) {
  constexpr int64_t w = width<T>;
  const WeightGradient<T> gradient(s);
  const ImageChunks chunks(s.n);
  const int64_t size = s.o * s.depth();
  const int64_t work = size / s.groups * s.oh * s.ow * chunks.per_chunk;
  const int64_t piece = larger(1, smaller(s.groups, 4 * piece_work / larger(work, 1)));
  const int64_t pieces = (s.groups + piece - 1) / piece;  // of each chunk
  Workspace<T> partial(chunks.count * size * w);
  parallel_for(chunks.count * pieces, 1, [&](int64_t begin, int64_t) {
    const int64_t chunk = begin / pieces, first = begin % pieces * piece;
    const int64_t last = smaller(first + piece, s.groups);
    gradient.sum(chunks, chunk, first, last, x, g,
                 partial.data() + (chunk * s.groups + first) * (size / s.groups) * w);
  });
  parallel_each(size, 1024, [&](int64_t i) {
    Vector<T> total = {};
    for (int64_t c = 0; c < chunks.count; ++c) {
      total += load<Vector<T>>(partial.data() + (c * size + i) * w);
    }
    dweight[i] = sum_of<T>(total);
  });
}

template <class T>
constexpr DirectConv<T> kernels_of<DirectConv<T>> = {forward<T>, input_gradient<T>,
                                                     weight_gradient<T>};

}  // namespace

template const DirectConv<float>& Tables<Isa::GRADUS_ISA>::get();
template const DirectConv<double>& Tables<Isa::GRADUS_ISA>::get();

}  // namespace gradus::kernels
