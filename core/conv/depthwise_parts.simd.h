// The parts of depthwise convolution: how planes are copied, and which taps see what. For files
// that are compiled once per instruction set: everything is local to the file that includes it.
#pragma once

#include <cstdint>

#include "../simd/simd.h"
#include "../simd/sizes.h"
#include "../simd/workspace.h"
#include "conv_kernel.h"

namespace gradus::kernels {

namespace {

inline constexpr int taps_at_once = 5;              // below each other, which share what they read
inline constexpr int64_t piece_elements = 1 << 16;  // of the planes that a thread takes at once

/// Asks for the next plane while one is computed.
template <class T>
void prefetch(int64_t n, const T* from) {
  for (int64_t i = 0; i < n; i += 64 / int64_t{sizeof(T)}) __builtin_prefetch(from + i);
}

/// One dimension. Output place p sees tap k at place p + shift(k) of phase(k): the elements
/// phase, phase + stride, ... of the padded input.
struct Dimension {
  int64_t in, out, taps, stride, padding, dilation;

  int64_t phase(int64_t tap) const { return tap * dilation % stride; }
  int64_t shift(int64_t tap) const { return tap * dilation / stride; }
  int64_t reach() const { return shift(taps - 1); }
  /// The places of each phase that are seen.
  int64_t places() const { return out + reach(); }
  /// The first input element that belongs to a phase, and how many there are.
  int64_t first_of(int64_t phase) const { return ((phase - padding) % stride + stride) % stride; }
  int64_t count_of(int64_t phase) const {
    return larger(0, in - first_of(phase) + stride - 1) / stride;
  }
};

struct Plane {
  explicit Plane(const ConvSizes& s)
      : rows{s.h, s.oh, s.kh, s.stride_h, s.padding_h, s.dilation_h},
        columns{s.w, s.ow, s.kw, s.stride_w, s.padding_w, s.dilation_w},
        taps(s.kh * s.kw) {}
  Dimension rows, columns;
  int64_t taps;
};

// --- Rows of every second element ---

/// to[i] = from[i stride].
template <class T>
void take(int64_t n, int64_t stride, const T* from, T* to) {
  using V = Vector<T>;
  constexpr int64_t w = width<T>;
  if (stride == 1) {
    map_vectors<T>(n, [&]<class U>(int64_t i) { store(to + i, load<U>(from + i)); });
  } else if (stride == 2 && n > w) {
    // The last vector ends with the last element: what is behind that may not be there.
    for (int64_t i = 0; i < n; i += w) {
      const bool is_last = i + w >= n;
      const T* const at = is_last ? from + 2 * (n - w) - 1 : from + 2 * i;
      V even = load<V>(at), odd = load<V>(at + w);
      split(even, odd, lanes<T>);
      is_last ? store(to + n - w, odd) : store(to + i, even);
    }
  } else {
    for (int64_t i = 0; i < n; ++i) to[i] = from[i * stride];
  }
}

/// to[2 i] = even[i], to[2 i + 1] = odd[i], n elements in all.
template <class T>
void weave(int64_t n, const T* even, const T* odd, T* to) {
  using V = Vector<T>;
  constexpr int64_t w = width<T>;
  int64_t i = 0;
  for (; 2 * (i + w) <= n; i += w) {
    V low = load<V>(even + i), high = load<V>(odd + i);
    interleave(low, high, lanes<T>);
    store(to + 2 * i, low);
    store(to + 2 * i + w, high);
  }
  for (i *= 2; i < n; ++i) to[i] = (i % 2 == 0 ? even : odd)[i / 2];
}

// --- Copies of planes ---

/// Planes with zeros around them, one for each phase, of rows of `pitch` elements.
template <class T>
class Phases {
 public:
  Phases(const Plane& plane, int64_t pieces_h, int64_t pieces_w, int64_t rows, int64_t pitch)
      : plane_(plane),
        pieces_w_(pieces_w),
        rows_(rows),
        pitch_(pitch),
        memory_(pieces_h * pieces_w * rows * pitch + width<T>) {  // strips read more than a row
    memory_.clear();
  }
  /// For the input.
  explicit Phases(const Plane& p)
      : Phases(p, p.rows.stride, p.columns.stride, p.rows.places(), p.columns.places()) {}

  T* at(int64_t phase_h, int64_t phase_w, int64_t row, int64_t column) const {
    return memory_.data() + ((phase_h * pieces_w_ + phase_w) * rows_ + row) * pitch_ + column;
  }
  const T* data() const { return memory_.data(); }
  int64_t pitch() const { return pitch_; }

  void deal(const T* x) const {
    const Dimension &v = plane_.rows, &h = plane_.columns;
    for (int64_t a = 0; a < v.stride; ++a) {
      const Inside rows = inside(v.in, rows_, v.stride, a - v.padding);
      for (int64_t b = 0; b < h.stride; ++b) {
        const Inside columns = inside(h.in, pitch_, h.stride, b - h.padding);
        for (int64_t r = rows.begin; r < rows.end; ++r) {
          const T* const row = x + (r * v.stride + a - v.padding) * h.in;
          take(columns.end - columns.begin, h.stride,
               row + columns.begin * h.stride + b - h.padding, at(a, b, r, columns.begin));
        }
      }
    }
  }

 private:
  const Plane& plane_;
  int64_t pieces_w_, rows_, pitch_;
  Workspace<T> memory_;
};

// --- Taps ---

/// Taps of the same kernel column that see rows below each other, the first at `offset`.
struct TapColumn {
  int64_t offset, taps;
};

/// The taps of a kernel, in the order in which they are added.
class TapColumns {
 public:
  explicit TapColumns(const Plane& plane)
      : plane_(plane), row_(plane.rows.taps), tap_(plane.taps), columns_(plane.taps) {}

  /// Adds the taps (i, j) of a phase of rows, i descending if so said, of columns j for which
  /// `has(j)`; they see rows from `offset(i, j)` on.
  template <class Has, class Offset>
  void add(int64_t phase, bool descending, const Has& has, const Offset& offset) {
    const Dimension &v = plane_.rows, &h = plane_.columns;
    int64_t n = 0;
    for (int64_t k = 0; k < v.taps; ++k) {
      const int64_t i = descending ? v.taps - 1 - k : k;
      if (v.phase(i) == phase) row_[n++] = i;
    }
    const int64_t parts = (n + taps_at_once - 1) / taps_at_once;
    const bool adjoin = n > 1 && v.shift(row_[0]) - v.shift(row_[1]) == (descending ? 1 : -1);
    const int64_t size = adjoin ? (n + parts - 1) / parts : 1;
    for (int64_t first = 0; first < n; first += size) {
      for (int64_t j = 0; j < h.taps; ++j) {
        if (!has(j)) continue;
        const int64_t last = smaller(first + size, n);
        columns_[count_++] = {offset(row_[first], j), last - first};
        for (int64_t i = first; i < last; ++i) tap_[taps_++] = row_[i] * h.taps + j;
      }
    }
  }

  int64_t count() const { return count_; }
  const TapColumn* data() const { return columns_.data(); }
  int64_t taps() const { return taps_; }
  int64_t tap(int64_t i) const { return tap_[i]; }
  template <class T>
  void sort(const T* weight, T* sorted) const {
    for (int64_t k = 0; k < taps_; ++k) sorted[k] = weight[tap_[k]];
  }

 private:
  const Plane& plane_;
  int64_t taps_ = 0, count_ = 0;
  Workspace<int64_t> row_, tap_;
  Workspace<TapColumn> columns_;
};

/// Those of the output, in copies of the input.
class OutputTaps : public TapColumns {
 public:
  template <class T>
  OutputTaps(const Plane& plane, const Phases<T>& copies) : TapColumns(plane) {
    const Dimension &v = plane.rows, &h = plane.columns;
    for (int64_t a = 0; a < v.stride; ++a) {
      add(
          a, false, [](int64_t) { return true; },
          [&](int64_t i, int64_t j) {
            return copies.at(a, h.phase(j), v.shift(i), h.shift(j)) - copies.data();
          });
    }
  }
};

}  // namespace

}  // namespace gradus::kernels
