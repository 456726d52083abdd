// Compiled once per instruction set; see isa.h.
//
// Depthwise convolution of any kernel and stride: every output plane is a sum of shifted copies of
// one input plane, times numbers. The plane is copied with zeros around it; with a stride, its rows
// and columns are dealt to as many planes as the stride has phases, so that the elements under a
// tap are side by side whatever the stride. The input gradient sums copies of the output gradient,
// for each phase those of the taps that see it.
#include <cstring>

#include "../base/parallel_for.h"
#include "../matmul/register_tile.simd.h"
#include "../simd/kernels_of.h"
#include "conv_kernel.h"
#include "depthwise_3x3.simd.h"
#include "depthwise_parts.simd.h"

namespace gradus::kernels {

namespace {

constexpr int rows_at_once = 8;   // of sums, a vector of each
constexpr int sums_at_once = 10;  // of the weight gradient, a vector of each

/// to[r][c] = bias + sum over taps of weight[k] from[offset of k][r][c].
template <class T>
struct Sums {
  int64_t rows, columns;
  const TapColumn *tap, *last_tap;
  const T* weight;  // in their order
  const T* from;
  int64_t from_pitch;
  T bias;
  bool relu;
  T* to;
  int64_t to_pitch;
};

/// A strip of `rows` rows, one vector wide, of which the first `columns` are wanted.
template <class T, int rows>
[[gnu::noinline]] void sum_strip(const Sums<T>& s, int64_t row, int64_t column, int64_t columns) {
  using V = Vector<T>;
  const int64_t from_pitch = s.from_pitch, to_pitch = s.to_pitch;
  const bool relu = s.relu;
  V sum[rows];
#pragma GCC unroll 8
  for (int r = 0; r < rows; ++r) sum[r] = broadcast<V>(s.bias);
  const T* const from = s.from + row * from_pitch + column;
  const T* weight = s.weight;
  for (const TapColumn *tap = s.tap, *last = s.last_tap; tap != last; ++tap) {
    const T* in = from + tap->offset;
    with_rows<taps_at_once>(
        tap->taps, [&]<int taps>() __attribute__((always_inline)) {
          V factor[taps];
#pragma GCC unroll 5
          for (int k = 0; k < taps; ++k) factor[k] = broadcast<V>(weight[k]);
#pragma GCC unroll 12
          for (int r = 0; r < rows + taps - 1; ++r, in += from_pitch) {
            const V x = load<V>(in);
#pragma GCC unroll 5
            for (int k = 0; k < taps; ++k) {
              if (r - k >= 0 && r - k < rows) sum[r - k] += factor[k] * x;
            }
          }
          weight += taps;
        });
  }
  T* to = s.to + row * to_pitch + column;
#pragma GCC unroll 8
  for (int r = 0; r < rows; ++r, to += to_pitch) {
    const V result = relu ? without_negative(sum[r]) : sum[r];
    columns == width<T> ? store(to, result) : store_first<T>(columns, to, result);
  }
}

template <class T>
void sum_copies(const Sums<T>& s) {
  const int64_t columns = smaller(s.columns, width<T>);
  for_blocks<rows_at_once>(0, s.rows, [&]<int rows>(int64_t row) {
    for (int64_t column = 0; column < s.columns; column += width<T>) {
      sum_strip<T, rows>(s, row, smaller(column, s.columns - columns), columns);
    }
  });
}

template <class T>
void forward(const ConvSizes& s, T* y, const T* x, const T* weight, const T* bias) {
  if (same_3x3::suits(s)) return same_3x3::forward(s, y, x, weight, bias);
  const Plane plane(s);
  const int64_t in = s.h * s.w, out = s.oh * s.ow;
  parallel_for(s.n * s.c, piece_elements / larger(in, 1), [&](int64_t begin, int64_t end) {
    const Phases<T> copies(plane);
    const OutputTaps taps(plane, copies);
    const Workspace<T> sorted(plane.taps);
    for (int64_t i = begin; i < end; ++i) {
      const int64_t c = i % s.c;
      copies.deal(x + i * in);
      if (i + 1 < end) prefetch(in, x + (i + 1) * in);
      taps.sort(weight + c * plane.taps, sorted.data());
      sum_copies<T>({s.oh, s.ow, taps.data(), taps.data() + taps.count(), sorted.data(),
                     copies.data(), copies.pitch(), bias != nullptr ? bias[c] : T(0), s.relu,
                     y + i * out, s.ow});
    }
  });
}

// --- Input gradient ---

/// Elements of the input that are in the same phase, and the taps that see them.
struct PhaseOfInput {
  int64_t row, column, rows, columns;  // the first element, and how many
  int64_t first_tap, first_column, last_column;
};

/// The output gradient with zeros around it, and where the taps of each phase find theirs.
template <class T>
class OutputCopies {
 public:
  explicit OutputCopies(const Plane& plane)
      : plane_(plane),
        row_(plane.rows.reach()),
        column_(plane.columns.reach()),
        copy_(plane, 1, 1, row_ + places(plane.rows), column_ + places(plane.columns)),
        phases_(count()),
        taps_(plane) {
    const Dimension &v = plane_.rows, &h = plane_.columns;
    for (int64_t p = 0; p < count(); ++p) {
      const int64_t a = p / h.stride, b = p % h.stride;
      const int64_t row = v.first_of(a), column = h.first_of(b);
      const int64_t first_tap = taps_.taps(), first_column = taps_.count();
      taps_.add(
          a, true, [&](int64_t j) { return h.phase(j) == b; },
          [&](int64_t i, int64_t j) {
            const int64_t from_row = row_ + (row + v.padding) / v.stride - v.shift(i);
            const int64_t from_column = column_ + (column + h.padding) / h.stride - h.shift(j);
            return copy_.at(0, 0, from_row, from_column) - copy_.data();
          });
      phases_[p] = {row,       column,       v.count_of(a), h.count_of(b),
                    first_tap, first_column, taps_.count()};
    }
  }

  int64_t count() const { return plane_.rows.stride * plane_.columns.stride; }
  const PhaseOfInput& phase(int64_t i) const { return phases_[i]; }
  const TapColumns& taps() const { return taps_; }
  const T* data() const { return copy_.data(); }
  int64_t pitch() const { return copy_.pitch(); }

  void set(const T* g) const {
    const int64_t w = plane_.columns.out;
    for (int64_t r = 0; r < plane_.rows.out; ++r) {
      take(w, 1, g + r * w, copy_.at(0, 0, row_ + r, column_));
    }
  }

 private:
  /// Those that are read, or written.
  static int64_t places(const Dimension& d) {
    return larger((d.in - 1 + d.padding) / d.stride + 1, d.out);
  }

  const Plane& plane_;
  int64_t row_, column_;  // where the output gradient begins
  Phases<T> copy_;
  Workspace<PhaseOfInput> phases_;
  TapColumns taps_;
};

/// A row of the input gradient from those of its phases, which are `part` elements apart.
template <class T>
void put_together(const ConvSizes& s, const T* row, int64_t part, T* to) {
  if (s.stride_w == 2) return weave(s.w, row, row + part, to);
  for (int64_t i = 0; i < s.w; ++i) to[i] = row[i % s.stride_w * part + i / s.stride_w];
}

template <class T>
void input_gradient(const ConvSizes& s, T* dx, const T* g, const T* weight) {
  if (same_3x3::suits(s)) return same_3x3::input_gradient(s, dx, g, weight);
  const Plane plane(s);
  const int64_t in = s.h * s.w, out = s.oh * s.ow;
  const bool in_place = s.stride_w == 1;  // rows of a phase are rows of dx
  parallel_for(s.n * s.c, piece_elements / larger(in, 1), [&](int64_t begin, int64_t end) {
    const OutputCopies<T> copies(plane);
    const TapColumns& taps = copies.taps();
    const Workspace<T> sorted(plane.taps), parts(in_place ? 0 : s.stride_w * in);
    for (int64_t i = begin; i < end; ++i) {
      copies.set(g + i * out);
      if (i + 1 < end) prefetch(out, g + (i + 1) * out);
      taps.sort(weight + i % s.c * plane.taps, sorted.data());
      for (int64_t p = 0; p < copies.count(); ++p) {
        const PhaseOfInput& phase = copies.phase(p);
        T* const rows = dx + i * in + phase.row * s.w;
        const int64_t pitch = s.stride_h * s.w;
        T* const part = parts.data() + phase.column * in;
        sum_copies<T>({phase.rows, phase.columns, taps.data() + phase.first_column,
                       taps.data() + phase.last_column, sorted.data() + phase.first_tap,
                       copies.data(), copies.pitch(), T(0), false, in_place ? rows : part,
                       in_place ? pitch : s.w});
        const bool has_all = p % s.stride_w == s.stride_w - 1;  // of these rows
        for (int64_t r = 0; !in_place && has_all && r < phase.rows; ++r) {
          put_together(s, parts.data() + r * s.w, in, rows + r * pitch);
        }
      }
    }
  });
}

// --- Weight gradient ---

/// An output gradient, or a copy of it whose rows fill a vector.
template <class T>
struct Gradient {
  const T* data;
  int64_t rows, columns;
};

/// Adds products of some rows of a strip, of which the first `done` columns count as 0, and the
/// input under `taps` rows of each of several columns of the kernel.
template <class T, int rows, int taps, int columns>
[[gnu::always_inline]] inline void add_products(const T* g, int64_t g_pitch, int64_t done,
                                                const T* from, int64_t pitch, const TapColumn* tap,
                                                Vector<T> (&sum)[columns][taps]) {
  using V = Vector<T>;
  V out[rows];
#pragma GCC unroll 4
  for (int r = 0; r < rows; ++r) out[r] = without_first<T>(done, load<V>(g + r * g_pitch));
#pragma GCC unroll 10
  for (int j = 0; j < columns; ++j) {
    const T* const in = from + tap[j].offset;
#pragma GCC unroll 8
    for (int r = 0; r < rows + taps - 1; ++r) {
      const V x = load<V>(in + r * pitch);
#pragma GCC unroll 5
      for (int k = 0; k < taps; ++k) {
        if (r - k >= 0 && r - k < rows) sum[j][k] += out[r - k] * x;
      }
    }
  }
}

/// The same for whole planes, for vectors of sums in memory, one for each tap.
template <class T, int taps, int columns>
[[gnu::noinline]] void add_plane(const Gradient<T>& g, const T* from, int64_t pitch,
                                 const TapColumn* tap, T* sums) {
  using V = Vector<T>;
  constexpr int rows = 4;
  V sum[columns][taps];
#pragma GCC unroll 10
  for (int k = 0; k < columns * taps; ++k) sum[k / taps][k % taps] = load<V>(sums + k * width<T>);
  for (int64_t begin = 0; begin < g.columns; begin += width<T>) {
    const int64_t column = smaller(begin, g.columns - width<T>), done = begin - column;
    const T *out = g.data + column, *in = from + column;
    int64_t r = 0;
    for (; r + rows <= g.rows; r += rows, out += rows * g.columns, in += rows * pitch) {
      add_products<T, rows, taps, columns>(out, g.columns, done, in, pitch, tap, sum);
    }
    for (; r < g.rows; ++r, out += g.columns, in += pitch) {
      add_products<T, 1, taps, columns>(out, g.columns, done, in, pitch, tap, sum);
    }
  }
#pragma GCC unroll 10
  for (int k = 0; k < columns * taps; ++k) store(sums + k * width<T>, sum[k / taps][k % taps]);
}

template <class T>
void add_plane(const Gradient<T>& g, const Phases<T>& copies, const TapColumns& taps, T* sums) {
  const TapColumn *first = taps.data(), *const end = first + taps.count();
  while (first != end) {
    with_rows<taps_at_once>(first->taps, [&]<int n>() {
      constexpr int most = sums_at_once / n;
      int64_t count = 1;
      while (count < most && first + count != end && first[count].taps == n) ++count;
      with_rows<most>(count, [&]<int m>() {
        add_plane<T, n, m>(g, copies.data(), copies.pitch(), first, sums);
      });
      first += count;
      sums += count * n * width<T>;
    });
  }
  Vector<T> total = load<Vector<T>>(sums);  // of g
  const int64_t size = g.rows * g.columns;
  for (int64_t i = 0; i < size; i += width<T>) {
    const int64_t at = smaller(i, size - width<T>);
    total += without_first<T>(i - at, load<Vector<T>>(g.data + at));
  }
  store(sums, total);
}

template <class T>
bool weight_gradient(const ConvSizes& s, T* dweight, T* dbias, const T* g, const T* x) {
  const Plane plane(s);
  const int64_t in = s.h * s.w, out = s.oh * s.ow, taps = plane.taps;
  const int64_t of_channel = (taps + 1) * width<T>;  // sums, the last of g
  const ImageChunks chunks(s.n);
  const int64_t piece = at_least_one(piece_elements / at_least_one(in * chunks.per_chunk));
  const int64_t pieces = (s.c + piece - 1) / piece;  // of each chunk
  Workspace<T> partial(chunks.count * s.c * of_channel);
  parallel_for(chunks.count * pieces, 1, [&](int64_t task, int64_t) {
    const int64_t chunk = task / pieces, first = task % pieces * piece;
    const int64_t last = smaller(first + piece, s.c);
    T* const sums = partial.data() + chunk * s.c * of_channel;
    std::memset(sums + first * of_channel, 0,
                static_cast<size_t>((last - first) * of_channel) * sizeof(T));
    const Phases<T> copies(plane);
    const OutputTaps order(plane, copies);
    const bool is_thin = s.ow < width<T>;
    Workspace<T> wide(is_thin ? s.oh * width<T> : 0);
    wide.clear();
    chunks.for_each(chunk, [&](int64_t image) {
      for (int64_t c = first; c < last; ++c) {
        const int64_t i = image * s.c + c;
        const T* const of_y = g + i * out;
        for (int64_t r = 0; is_thin && r < s.oh; ++r) {
          for (int64_t j = 0; j < s.ow; ++j) wide[r * width<T> + j] = of_y[r * s.ow + j];
        }
        copies.deal(x + i * in);
        if (c + 1 < last) {
          prefetch(in, x + (i + 1) * in);
          prefetch(out, of_y + out);
        }
        add_plane<T>({is_thin ? wide.data() : of_y, s.oh, larger(s.ow, width<T>)}, copies, order,
                     sums + c * of_channel);
      }
    });
  });
  const OutputTaps order(plane, Phases<T>(plane));
  parallel_each(s.c * (taps + 1), 1024, [&](int64_t i) {
    const int64_t c = i / (taps + 1), k = i % (taps + 1);
    T total = 0;
    for (int64_t chunk = 0; chunk < chunks.count; ++chunk) {
      const T* const from = partial.data() + (chunk * s.c + c) * of_channel + k * width<T>;
      for (int64_t lane = 0; lane < width<T>; ++lane) total += from[lane];
    }
    if (k < taps) dweight[c * taps + order.tap(k)] = total;
    if (k == taps && dbias != nullptr) dbias[c] = total;
  });
  return true;
}

template <class T>
constexpr DepthwiseConv<T> kernels_of<DepthwiseConv<T>> = {forward<T>, input_gradient<T>,
                                                           weight_gradient<T>};

}  // namespace

template const DepthwiseConv<float>& Tables<Isa::GRADUS_ISA>::get();
template const DepthwiseConv<double>& Tables<Isa::GRADUS_ISA>::get();

}  // namespace gradus::kernels
