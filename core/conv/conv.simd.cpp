// Compiled once per instruction set; see isa.h.
//
// Chooses among the algorithms. The faster ones are in winograd.simd.cpp, depthwise.simd.cpp,
// direct.simd.cpp and strided.simd.cpp; those made of matrix products are here: one for kernels as
// large as the image, and im2col, which can do everything, one image at a time, in tiles of a few
// output rows, so that the im2col tile is still in the second-level cache when the product reads
// it.
#include <cstring>
#include <type_traits>

#include "../base/parallel_for.h"
#include "../matmul/gemm_kernel.h"
#include "../simd/simd.h"
#include "../simd/sizes.h"
#include "../simd/workspace.h"
#include "conv_kernel.h"

namespace gradus::kernels {

namespace {

constexpr int64_t tile_bytes = int64_t{256} * 1024;

/// A 1x1 convolution without stride and padding needs no im2col: x already is the matrix.
bool is_pointwise(const ConvSizes& s) {
  return s.kh == 1 && s.kw == 1 && s.stride_h == 1 && s.stride_w == 1 && s.padding_h == 0 &&
         s.padding_w == 0;
}

template <class T>
int64_t rows_per_tile(const ConvSizes& s) {
  const auto row = static_cast<int64_t>(sizeof(T)) * larger(s.depth() * s.ow, 1);
  return smaller(larger(tile_bytes / row, 1), larger(s.oh, 1));
}

/// Calls `row(tile row, output row in tile, first input element, output columns inside)` for each
/// row of the im2col matrix and output row of [first_row, first_row + rows); the pointer offset is
/// -1 if the input row is in the padding.
template <class Row>
void for_tile(const ConvSizes& s, int64_t first_row, int64_t rows, const Row& visit) {
  const int64_t channels = s.c / s.groups;
  int64_t k = 0;
  for (int64_t c = 0; c < channels; ++c) {
    for (int64_t i = 0; i < s.kh; ++i) {
      for (int64_t j = 0; j < s.kw; ++j, ++k) {
        const int64_t first_column = j * s.dilation_w - s.padding_w;
        const Inside columns = inside(s.w, s.ow, s.stride_w, first_column);
        for (int64_t r = 0; r < rows; ++r) {
          const int64_t ih = (first_row + r) * s.stride_h + i * s.dilation_h - s.padding_h;
          const bool hit = ih >= 0 && ih < s.h;
          visit(k, r, hit ? (c * s.h + ih) * s.w : -1, first_column, columns);
        }
      }
    }
  }
}

/// tile [depth, rows * ow] = the input elements under each output element of these rows.
template <class T>
void im2col(const ConvSizes& s, int64_t first_row, int64_t rows, T* tile, const T* x) {
  for_tile(s, first_row, rows,
           [&](int64_t k, int64_t r, int64_t row, int64_t column, Inside columns) {
             T* const to = tile + (k * rows + r) * s.ow;
             if (row < 0) columns = {0, 0};
             for (int64_t i = 0; i < columns.begin; ++i) to[i] = 0;
             for (int64_t i = columns.end; i < s.ow; ++i) to[i] = 0;
             const T* const from = x + row + column;
             if (s.stride_w == 1) {
               for (int64_t i = columns.begin; i < columns.end; ++i) to[i] = from[i];
             } else {
               for (int64_t i = columns.begin; i < columns.end; ++i) to[i] = from[i * s.stride_w];
             }
           });
}

/// The transpose: adds each element of the tile to the input element it came from.
template <class T>
void col2im(const ConvSizes& s, int64_t first_row, int64_t rows, const T* tile, T* dx) {
  for_tile(s, first_row, rows,
           [&](int64_t k, int64_t r, int64_t row, int64_t column, Inside columns) {
             if (row < 0) return;
             const T* const from = tile + (k * rows + r) * s.ow;
             T* const to = dx + row + column;
             if (s.stride_w == 1) {
               for (int64_t i = columns.begin; i < columns.end; ++i) to[i] += from[i];
             } else {
               for (int64_t i = columns.begin; i < columns.end; ++i) to[i * s.stride_w] += from[i];
             }
           });
}

/// Calls `work(first_row, rows)` for each tile of output rows.
template <class T, class Work>
void for_tiles(const ConvSizes& s, const Work& work) {
  const int64_t step = is_pointwise(s) ? larger(s.oh, 1) : rows_per_tile<T>(s);
  for (int64_t row = 0; row < s.oh; row += step) work(row, smaller(step, s.oh - row));
}

/// The im2col tile of one group of one image, or the image itself if that is the same.
template <class T>
const T* columns_of(const ConvSizes& s, int64_t row, int64_t rows, T* tile, const T* x) {
  if (is_pointwise(s)) return x;
  im2col(s, row, rows, tile, x);
  return tile;
}

template <class T>
int64_t workspace_size(const ConvSizes& s) {
  return is_pointwise(s) ? 1 : s.depth() * s.ow * rows_per_tile<T>(s);
}

/// Of a pointwise convolution without groups: the only ones that come here.
template <class T>
void product_forward(const ConvSizes& s, T* y, const T* x, const T* weight, const T* bias) {
  const int64_t plane = s.oh * s.ow;
  parallel_for(s.n, 1, [&](int64_t image, int64_t) {
    T* const to = y + image * s.o * plane;
    for (int64_t o = 0; bias != nullptr && o < s.o; ++o) {
      const T b = bias[o];
      for (int64_t i = 0; i < plane; ++i) to[o * plane + i] = b;
    }
    gemm<T>({false, false, s.o, plane, s.c, weight, s.c, x + image * s.c * plane, plane,
             bias != nullptr ? T(1) : T(0), to, plane});
    for (int64_t i = 0; s.relu && i < s.o * plane; ++i) to[i] = without_negative(to[i]);
  });
}

template <class T>
void input_gradient(const ConvSizes& s, T* dx, const T* g, const T* weight) {
  const int64_t depth = s.depth(), outputs = s.o / s.groups, plane = s.oh * s.ow;
  const int64_t group_inputs = s.c / s.groups * s.h * s.w;
  parallel_for(s.n * s.groups, 1, [&](int64_t task, int64_t) {
    const Workspace<T> tile(workspace_size<T>(s));
    T* const image = dx + task * group_inputs;
    const bool in_place = is_pointwise(s);  // columns are the image
    if (!in_place) std::memset(image, 0, static_cast<size_t>(group_inputs) * sizeof(T));
    for_tiles<T>(s, [&](int64_t row, int64_t rows) {
      const int64_t n = rows * s.ow;
      gemm<T>({true, false, depth, n, outputs, weight + task % s.groups * outputs * depth, depth,
               g + task * outputs * plane + row * s.ow, plane, 0, in_place ? image : tile.data(),
               n});
      if (!in_place) col2im(s, row, rows, tile.data(), image);
    });
  });
}

template <class T>
void weight_gradient(const ConvSizes& s, T* dweight, const T* g, const T* x) {
  const int64_t depth = s.depth(), outputs = s.o / s.groups, plane = s.oh * s.ow;
  const int64_t group_inputs = s.c / s.groups * s.h * s.w;
  const int64_t size = s.o * depth;
  const ImageChunks chunks(s.n);
  Workspace<T> partial(chunks.count * size);
  parallel_for(chunks.count * s.groups, 1, [&](int64_t task, int64_t) {
    const Workspace<T> tile(workspace_size<T>(s));
    const int64_t chunk = task / s.groups, group = task % s.groups;
    T* const sum = partial.data() + chunk * size + group * outputs * depth;
    std::memset(sum, 0, static_cast<size_t>(outputs * depth) * sizeof(T));
    chunks.for_each(chunk, [&](int64_t n) {
      const int64_t image = n * s.groups + group;
      for_tiles<T>(s, [&](int64_t row, int64_t rows) {
        const T* const columns = columns_of(s, row, rows, tile.data(), x + image * group_inputs);
        gemm<T>({false, true, outputs, depth, rows * s.ow, g + image * outputs * plane + row * s.ow,
                 plane, columns, rows * s.ow, 1, sum, depth});
      });
    });
  });
  parallel_each(size, 4096, [&](int64_t i) {
    T total = 0;
    for (int64_t chunk = 0; chunk < chunks.count; ++chunk) total += partial[chunk * size + i];
    dweight[i] = total;
  });
}

// --- Kernels as large as the image: each image is a row of a matrix ---

template <class T>
void whole_forward(const ConvSizes& s, T* y, const T* x, const T* weight, const T* bias) {
  const int64_t depth = s.depth();
  for (int64_t i = 0; bias != nullptr && i < s.n * s.o; ++i) y[i] = bias[i % s.o];
  gemm_in_bands<T>({false, true, s.n, s.o, depth, x, depth, weight, depth,
                    bias != nullptr ? T(1) : T(0), y, s.o});
  for (int64_t i = 0; s.relu && i < s.n * s.o; ++i) y[i] = without_negative(y[i]);
}

template <class T>
void whole_input_gradient(const ConvSizes& s, T* dx, const T* g, const T* weight) {
  const int64_t depth = s.depth();
  gemm_in_bands<T>({false, false, s.n, depth, s.o, g, s.o, weight, depth, 0, dx, depth});
}

template <class T>
void whole_weight_gradient(const ConvSizes& s, T* dweight, const T* g, const T* x) {
  const int64_t depth = s.depth();
  gemm_in_bands<T>({true, false, s.o, depth, s.n, g, s.o, x, depth, 0, dweight, depth});
}

// --- 1x1 kernels with a stride: as without one, on the elements that they see ---

bool is_sparse(const ConvSizes& s) {
  return s.kh == 1 && s.kw == 1 && s.padding_h == 0 && s.padding_w == 0 &&
         (s.stride_h > 1 || s.stride_w > 1);
}

ConvSizes dense(const ConvSizes& s) {
  ConvSizes t = s;
  t.h = s.oh;
  t.w = s.ow;
  t.stride_h = t.stride_w = 1;
  return t;
}

/// Calls visit(an element of the dense x, the same one of x) for the elements that are seen.
template <class Visit>
void for_seen(const ConvSizes& s, int64_t plane, const Visit& visit) {
  for (int64_t i = 0; i < s.oh; ++i) {
    const int64_t to = (plane * s.oh + i) * s.ow, from = (plane * s.h + i * s.stride_h) * s.w;
    for (int64_t j = 0; j < s.ow; ++j) visit(to + j, from + j * s.stride_w);
  }
}

/// The dense x.
template <class T>
class SeenElements {
 public:
  explicit SeenElements(const ConvSizes& s) : s_(s), data_(s.n * s.c * s.oh * s.ow) {}
  SeenElements(const ConvSizes& s, const T* x) : SeenElements(s) {
    parallel_each(s.n * s.c, planes_at_once, [&](int64_t plane) {
      for_seen(s, plane, [&](int64_t to, int64_t from) { data_[to] = x[from]; });
    });
  }
  T* data() const { return data_.data(); }
  /// Writes all of x, zeros for what is not seen.
  void write(T* x) const {
    parallel_each(s_.n * s_.c, planes_at_once, [&](int64_t plane) {
      const int64_t size = s_.h * s_.w;
      std::memset(x + plane * size, 0, static_cast<size_t>(size) * sizeof(T));
      for_seen(s_, plane, [&](int64_t from, int64_t to) { x[to] = data_[from]; });
    });
  }

 private:
  static constexpr int64_t planes_at_once = 64;
  const ConvSizes& s_;
  Workspace<T> data_;
};

// --- The choice ---

/// Whatever the number of images: the bits of one must not depend on the others.
bool suits_winograd(const ConvSizes& s) {
  constexpr int64_t fewest_channels = WinogradConv<float>::fewest_channels;
  const bool fits = s.kh == 3 && s.kw == 3 && s.stride_h == 1 && s.stride_w == 1 &&
                    s.dilation_h == 1 && s.dilation_w == 1 && s.groups == 1 && s.padding_h >= 0 &&
                    s.padding_h <= 2 && s.padding_w >= 0 && s.padding_w <= 2;
  // 36 products for each tile of 4x4 outputs, instead of 9 for each output.
  const int64_t tiles = (s.oh + 3) / 4 * ((s.ow + 3) / 4);
  return fits && s.winograd && s.c >= fewest_channels && s.o >= fewest_channels &&
         36 * tiles < 9 * s.oh * s.ow;
}

bool suits_whole(const ConvSizes& s) {
  return s.kh == s.h && s.kw == s.w && s.padding_h == 0 && s.padding_w == 0 && s.groups == 1;
}

/// Whether planes fill vectors well enough to be rows of a product as they are.
bool suits_product(const ConvSizes& s) {
  constexpr int64_t smallest_plane = 128;
  return is_pointwise(s) && s.groups == 1 && s.oh * s.ow >= smallest_plane;
}

bool suits_depthwise(const ConvSizes& s) {
  return s.groups == s.c && s.o == s.c && s.c > 1;
}

/// The strided kernel has vectors of channels of the result; without a stride, only small planes of
/// a 1x1 convolution are better there. It reads vectors of channels of the source.
bool suits_strided(const ConvSizes& s, int64_t source, int64_t channels) {
  constexpr int64_t fewest_channels = 8, fewest_sources = 3;
  return channels >= fewest_channels * s.groups && source >= fewest_sources * s.groups &&
         (!s.has_mirror() || is_pointwise(s));
}

/// The direct weight gradient keeps a vector of sums for every weight.
bool suits_direct_weights(const ConvSizes& s) {
  constexpr int64_t most_weights = 1 << 16;
  return !is_pointwise(s) && s.o * s.depth() <= most_weights;
}

/// Of the same instruction set.
template <class Table>
const Table& own() {
  return Tables<Isa::GRADUS_ISA>::get<Table>();
}

template <class T>
void choose_forward(const ConvSizes& s, T* y, const T* x, const T* weight, const T* bias) {
  if (suits_whole(s)) return whole_forward(s, y, x, weight, bias);
  if (is_sparse(s)) {
    return choose_forward(dense(s), y, SeenElements<T>(s, x).data(), weight, bias);
  }
  if (suits_product(s)) return product_forward(s, y, x, weight, bias);
  if (suits_strided(s, s.c, s.o)) return own<StridedConv<T>>().forward(s, y, x, weight, bias);
  if constexpr (std::is_same_v<T, float>) {
    if (suits_winograd(s) && own<WinogradConv<T>>().forward(s, y, x, weight, bias)) return;
  }
  if (suits_depthwise(s)) return own<DepthwiseConv<T>>().forward(s, y, x, weight, bias);
  own<DirectConv<T>>().forward(s, y, x, weight, bias);
}

template <class T>
void choose_input_gradient(const ConvSizes& s, T* dx, const T* g, const T* weight) {
  if (suits_whole(s)) return whole_input_gradient(s, dx, g, weight);
  if (is_sparse(s)) {
    const SeenElements<T> of_seen(s);
    choose_input_gradient(dense(s), of_seen.data(), g, weight);
    return of_seen.write(dx);
  }
  if (suits_product(s)) return input_gradient(s, dx, g, weight);
  if (suits_strided(s, s.o, s.c)) return own<StridedConv<T>>().input_gradient(s, dx, g, weight);
  if constexpr (std::is_same_v<T, float>) {
    const bool suits = suits_winograd(s.of_input_gradient());
    if (suits && own<WinogradConv<T>>().input_gradient(s, dx, g, weight)) return;
  }
  if (suits_depthwise(s)) return own<DepthwiseConv<T>>().input_gradient(s, dx, g, weight);
  const bool is_direct = s.has_mirror() || own<DirectConv<T>>().has_columns(s);
  (is_direct ? own<DirectConv<T>>().input_gradient : input_gradient<T>)(s, dx, g, weight);
}

template <class T>
bool are_finite(int64_t n, const T* x) {
  int others = 0;
  for (int64_t i = 0; i < n; ++i) others |= static_cast<int>(x[i] - x[i] != 0);
  return others == 0;
}

/// These direct kernels make up zeros beside rows, and times infinity they would be NaN.
template <class T>
bool choose_weight_gradient(const ConvSizes& s, T* dweight, T* dbias, const T* g, const T* x) {
  if (suits_whole(s)) return whole_weight_gradient(s, dweight, g, x), false;
  if (is_sparse(s)) {
    return choose_weight_gradient(dense(s), dweight, dbias, g, SeenElements<T>(s, x).data());
  }
  if (suits_strided(s, s.c, s.o) && !suits_product(s)) {
    return own<StridedConv<T>>().weight_gradient(s, dweight, dbias, g, x);
  }
  if constexpr (std::is_same_v<T, float>) {
    if (suits_winograd(s) && own<WinogradConv<T>>().weight_gradient(s, dweight, g, x)) return false;
  }
  if (suits_depthwise(s) || suits_direct_weights(s)) {
    const auto way = suits_depthwise(s) ? own<DepthwiseConv<T>>().weight_gradient
                                        : own<DirectConv<T>>().weight_gradient;
    const bool has_bias = way(s, dweight, dbias, g, x);
    if (are_finite(s.o * s.depth(), dweight)) return has_bias;
  }
  weight_gradient(s, dweight, g, x);
  return false;
}

template <class T>
constexpr Conv<T> conv_table = {choose_forward<T>, choose_input_gradient<T>,
                                choose_weight_gradient<T>};

}  // namespace

template <>
template <>
const Conv<float>& Tables<Isa::GRADUS_ISA>::get() {
  return conv_table<float>;
}
template <>
template <>
const Conv<double>& Tables<Isa::GRADUS_ISA>::get() {
  return conv_table<double>;
}

}  // namespace gradus::kernels
