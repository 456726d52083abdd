// Depthwise 3x3 convolution with padding 1 and without stride: every output plane from one input
// plane of the same size, where it lies, which saves the copy that depthwise.simd.cpp makes: a
// quarter of the time of large planes. A strip of columns is one vector wide; a few output rows of
// it are computed at once, so that each input row is loaded three times, shifted, for up to nine
// products. For files that are compiled once per instruction set: everything is local to the file
// that includes it.
#pragma once

#include <cstring>
#include <type_traits>

#include "../base/parallel_for.h"
#include "depthwise_parts.simd.h"

namespace gradus::kernels {

namespace {

namespace same_3x3 {

inline constexpr int kernel = 3, kernel_size = kernel * kernel;
inline constexpr int rows_at_once = 4;

/// `size` columns of planes [h, w], with a column of zeros on either side.
template <class T, int size>
struct Strip {
  using V [[gnu::vector_size(size * sizeof(T))]] = T;
  using Index = std::conditional_t<sizeof(T) == 4, int32_t, int64_t>;
  using Mask [[gnu::vector_size(size * sizeof(T))]] = Index;

  /// The strip that covers columns from `begin` on, or the last `size` columns.
  [[gnu::always_inline]] Strip(const ConvSizes& s, int64_t begin)
      : h(s.h), w(s.w), first(smaller(begin, w - size)) {
    Mask column;
    for (int k = 0; k < size; ++k) column[k] = k;
    column += static_cast<Index>(first);
    has_left = column >= 1;
    has_right = column < static_cast<Index>(w - 1);
  }

  /// The elements of a row under tap column j.
  [[gnu::always_inline]] V under(const T* plane, int64_t row, int j) const {
    const V in = load<V>(plane + row * w + first + j - 1);
    if (j == 0) return has_left ? in : V{};
    return j == 1 ? in : has_right ? in : V{};
  }
  /// Calls `visit(o, i, j, in)` for each tap of output rows row + o that is inside the plane.
  template <int rows, class Visit>
  [[gnu::always_inline]] void for_taps(const T* plane, int64_t row, const Visit& visit) const {
#pragma GCC unroll 6
    for (int r = -1; r <= rows; ++r) {
      if (row + r < 0 || row + r >= h) continue;
#pragma GCC unroll 3
      for (int j = 0; j < kernel; ++j) {
        const V in = under(plane, row + r, j);
#pragma GCC unroll 4
        for (int o = 0; o < rows; ++o) {
          if (r - o >= -1 && r - o <= 1) visit(o, r - o + 1, j, in);
        }
      }
    }
  }

  int64_t h, w, first;
  Mask has_left, has_right;
};

/// Calls `body.template operator()<rows>(row)` for a few rows of all h at a time.
template <int rows = rows_at_once, class Body>
[[gnu::always_inline]] inline void for_rows_of_plane(int64_t h, const Body& body, int64_t row = 0) {
  for (; row + rows <= h; row += rows) body.template operator()<rows>(row);
  if constexpr (rows > 1) for_rows_of_plane<rows / 2>(h, body, row);
}

/// Calls `body.template operator()<size>()` for the widest strip that fits.
template <class T, int size = static_cast<int>(width<T>), class Body>
void with_strip(int64_t w, const Body& body) {
  if constexpr (size > 4) {
    if (w < size) return with_strip<T, size / 2>(w, body);
  }
  body.template operator()<size>();
}

/// Planes where they lie, except the first and the last of all: strips read one element before
/// and one behind a plane.
template <class T>
class Readable {
 public:
  Readable(const ConvSizes& s, const T* x)
      : x_(x), plane_(s.h * s.w), last_(s.n * s.c - 1), copy_(plane_ + 2) {
    copy_.clear();
  }
  const T* operator[](int64_t i) const {
    if (i > 0 && i < last_) return x_ + i * plane_;
    std::memcpy(copy_.data() + 1, x_ + i * plane_, static_cast<size_t>(plane_) * sizeof(T));
    return copy_.data() + 1;
  }

 private:
  const T* x_;
  int64_t plane_, last_;
  Workspace<T> copy_;
};

template <class T, int size>
[[gnu::noinline]] void convolve_strip(const ConvSizes& s, int64_t column, const T* x,
                                      const T* weight, T bias, bool relu, T* y) {
  using V = typename Strip<T, size>::V;
  const Strip<T, size> strip(s, column);
  V factor[kernel_size];
#pragma GCC unroll 9
  for (int k = 0; k < kernel_size; ++k) factor[k] = broadcast<V>(weight[k]);
  for_rows_of_plane(strip.h, [&]<int rows>(int64_t row) {
    V sum[rows];
#pragma GCC unroll 4
    for (int o = 0; o < rows; ++o) sum[o] = broadcast<V>(bias);
    strip.template for_taps<rows>(
        x, row, [&](int o, int i, int j, V in) { sum[o] += factor[i * kernel + j] * in; });
#pragma GCC unroll 4
    for (int o = 0; o < rows; ++o) {
      const V result = relu ? without_negative(sum[o]) : sum[o];
      store(y + (row + o) * strip.w + strip.first, result);
    }
  });
}

/// Whether a convolution is one of these.
inline bool suits(const ConvSizes& s) {
  return s.kh == 3 && s.kw == 3 && s.stride_h == 1 && s.stride_w == 1 && s.padding_h == 1 &&
         s.padding_w == 1 && s.dilation_h == 1 && s.dilation_w == 1 && s.w >= 4;
}

template <class T>
void forward(const ConvSizes& s, T* y, const T* x, const T* weight, const T* bias) {
  const int64_t plane = s.h * s.w;
  with_strip<T>(s.w, [&]<int size>() {
    parallel_for(s.n * s.c, piece_elements / larger(plane, 1), [&](int64_t begin, int64_t end) {
      const Readable<T> planes(s, x);
      for (int64_t i = begin; i < end; ++i) {
        const int64_t c = i % s.c;
        const T* const from = planes[i];
        if (i + 1 < end) prefetch(plane, x + (i + 1) * plane);
        for (int64_t column = 0; column < s.w; column += size) {
          convolve_strip<T, size>(s, column, from, weight + c * kernel_size,
                                  bias != nullptr ? bias[c] : T(0), s.relu, y + i * plane);
        }
      }
    });
  });
}

template <class T>
void input_gradient(const ConvSizes& s, T* dx, const T* g, const T* weight) {
  Workspace<T> reversed(s.c * kernel_size);
  for (int64_t c = 0; c < s.c; ++c) {
    for (int k = 0; k < kernel_size; ++k) {
      reversed[c * kernel_size + k] = weight[c * kernel_size + kernel_size - 1 - k];
    }
  }
  forward<T>(s, dx, g, reversed.data(), nullptr);
}

}  // namespace same_3x3

}  // namespace

}  // namespace gradus::kernels
