// The parts of direct convolution: how inputs are copied, and the vectors that cover an output
// plane. For files that are compiled once per instruction set: everything is local to the file that
// includes it.
#pragma once

#include <cstdint>

#include "../simd/simd.h"
#include "../simd/sizes.h"
#include "../simd/workspace.h"
#include "conv_kernel.h"

namespace gradus::kernels {

namespace {

inline constexpr int most_vectors = 6;  // of a block of sums

/// How inputs of one group of a few images are copied, channel by channel: their planes with the
/// padding, or for each column of taps a plane shifted to it, with rows as long as those of the
/// output, so that these are one long row. With a stride, such a plane has only the columns that
/// the tap sees, and every stride-th row first, then those that follow them, and so on.
struct Planes {
  bool shifted;
  int64_t images;
  int64_t rows, columns;               // of an output plane
  int64_t width, plane, tap, channel;  // elements of a row, a plane, from tap to tap, of a channel
  int64_t stride, phase;  // of rows; elements of the rows that are a multiple of it apart
  int64_t places;         // from the first output element to the last, in rows of this width
  int64_t slack;          // what vectors may read beyond the last plane

  /// Where a row of the padded input is. Rows are short: a division would be half of the copying.
  int64_t row(int64_t h) const {
    return stride == 1 ? h * width : h % stride * phase + h / stride * width;
  }
};

template <class T>
Planes planes_of(const ConvSizes& s, int64_t images = 1, bool shifted = false) {
  const int64_t w = shifted ? s.ow : s.w + 2 * s.padding_w;
  const int64_t phase = (s.h + 2 * s.padding_h + s.stride_h - 1) / s.stride_h * w;
  const int64_t plane = s.stride_h * phase, tap = shifted ? images * plane : s.dilation_w;
  return {.shifted = shifted,
          .images = images,
          .rows = shifted ? 1 : s.oh,
          .columns = shifted ? s.oh * s.ow : s.ow,
          .width = w,
          .plane = plane,
          .tap = tap,
          .channel = shifted ? s.kw * tap : images * plane,
          .stride = s.stride_h,
          .phase = phase,
          .places = (images - 1) * plane + (s.oh - 1) * w + s.ow,
          .slack = most_vectors * width<T>};
}

template <class T>
int64_t vectors_of(int64_t n) {
  return (n + width<T> - 1) / width<T>;
}

/// Whether output rows have at least one vector, so that full vectors cover them.
template <class T>
bool has_long_rows(const Planes& p) {
  return p.columns >= width<T>;
}

/// Vectors that cover the output planes.
template <class T>
int64_t cover_size(const Planes& p) {
  return has_long_rows<T>(p) ? p.images * p.rows * vectors_of<T>(p.columns)
                             : vectors_of<T>(p.places);
}

/// Whether shifted planes are worth their copies: with them no vector is partly in vain. Strides
/// need them.
template <class T>
bool suits_shifted(const ConvSizes& s) {
  constexpr int64_t products_per_copy = 8, most_bytes = int64_t{1} << 18;
  if (s.stride_h > 1 || s.stride_w > 1) return true;
  const Planes p = planes_of<T>(s, 1, true);
  const int64_t spared = cover_size<T>(planes_of<T>(s)) - cover_size<T>(p);
  const int64_t copies = (s.kw - 1) * s.h * vectors_of<T>(s.ow);
  return has_long_rows<T>(p) && s.c / s.groups * p.channel * int64_t{sizeof(T)} <= most_bytes &&
         products_per_copy * copies < spared * s.kh * s.kw * (s.o / s.groups);
}

/// The vectors that make up an output plane: long rows one by one, where the last vector of a row
/// overlaps the one before; otherwise all places one after the other, elements between rows
/// included.
template <class T>
class Cover {
 public:
  /// Output planes of different images are `image_stride` apart.
  explicit Cover(const Planes& p, int64_t image_stride = 0)
      : by_rows_(has_long_rows<T>(p)),
        per_row_(vectors_of<T>(p.columns)),
        per_image_(p.rows * per_row_),
        size_(cover_size<T>(p)),
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
    for (int64_t row = 0; by_rows_ && row < p.images * p.rows; ++row) {
      const int64_t image = row / p.rows, h = row % p.rows;
      for (int64_t i = 0; i < p.columns; i += width<T>) {
        const int64_t column = smaller(i, p.columns - width<T>);
        add(image * p.plane + h * p.width + column, image * image_stride + h * p.columns + column);
      }
    }
    while (at < size_ + most_vectors) add(in_[size_ - 1], out_[size_ - 1]);
  }

  bool by_rows() const { return by_rows_; }
  int64_t size() const { return size_; }
  /// The number for the first images.
  int64_t size_of(int64_t images) const { return by_rows_ ? images * per_image_ : size_; }
  /// How many elements of vector i have been in the one before.
  int64_t overlap(int64_t i, int64_t columns) const {
    return by_rows_ && i % per_row_ == per_row_ - 1 ? per_row_ * width<T> - columns : 0;
  }
  /// Where vector i begins in the padded input, and in the output or the row of places. Some more
  /// than there are repeat the last one.
  const int64_t* in() const { return in_.data(); }
  const int64_t* out() const { return out_.data(); }
  /// Room for all positions, in full vectors.
  int64_t row() const { return row_; }

 private:
  bool by_rows_;
  int64_t per_row_, per_image_, size_, row_;
  Workspace<int64_t> in_, out_;
};

/// Copies a row in blocks of `size` elements, the last of which overlaps the one before; in smaller
/// blocks if n is smaller, nothing if n is negative. Rows are often too short for memcpy to pay.
template <class T, int size = static_cast<int>(width<T>)>
[[gnu::always_inline]] inline void copy_row(int64_t n, const T* from, T* to) {
  using Block [[gnu::vector_size(size * sizeof(T))]] = T;
  if constexpr (size > 1) {
    if (n < size) return copy_row<T, size / 2>(n, from, to);
  }
  for (int64_t i = 0; i + size < n; i += size) store(to + i, load<Block>(from + i));
  if (n > 0) store(to + n - size, load<Block>(from + n - size));
}
/// Adds it to what is there.
template <class T, int size = static_cast<int>(width<T>)>
[[gnu::always_inline]] inline void add_row(int64_t n, const T* from, T* to) {
  using Block [[gnu::vector_size(size * sizeof(T))]] = T;
  if constexpr (size > 1) {
    if (n < size) return add_row<T, size / 2>(n, from, to);
  }
  if (n <= 0) return;
  const Block last = load<Block>(to + n - size) + load<Block>(from + n - size);
  for (int64_t i = 0; i + size < n; i += size) {
    store(to + i, load<Block>(to + i) + load<Block>(from + i));
  }
  store(to + n - size, last);
}

/// Calls body(stride), as a constant if it is 2: compilers have vectors for that.
template <class Body>
[[gnu::always_inline]] inline void with_stride(int64_t stride, const Body& body) {
  stride == 2 ? body(std::integral_constant<int64_t, 2>()) : body(stride);
}

/// Where output gradients are copied to places, row by row. What lies between the rows is 0 and
/// stays.
template <class T>
class PlaneCopies {
 public:
  /// Room for `size` elements: planes are `stride` apart.
  PlaneCopies(const Planes& p, int64_t count, int64_t stride, int64_t size)
      : p_(p), count_(count), stride_(stride), memory_(size) {
    clear();
  }
  void clear() { memory_.clear(); }
  /// Copies those at x, as image number `image`.
  void copy(int64_t image, const T* x) {
    T* to = memory_.data() + image * p_.plane;
    for (int64_t c = 0; c < count_; ++c, to += stride_) {
      for (int64_t h = 0; h < p_.rows; ++h, x += p_.columns) {
        copy_row(p_.columns, x, to + h * p_.width);
      }
    }
  }
  const T* data() const { return memory_.data(); }

 private:
  const Planes& p_;
  int64_t count_, stride_;
  Workspace<T> memory_;
};

/// Calls `row(n, from, to)` for each row of the copies: n elements, `from` that of the input, where
/// they are a stride apart.
template <class Row>
void for_rows(const ConvSizes& s, const Planes& p, const Row& row) {
  for (int64_t c = 0; c < s.c / s.groups; ++c) {
    for (int64_t j = 0; j < (p.shifted ? s.kw : 1); ++j) {
      const int64_t shift = j * s.dilation_w - s.padding_w;
      const Inside in = s.stride_w == 1 ? inside(s.w, p.width, 1, shift)
                                        : inside(s.w, p.width, s.stride_w, shift);
      for (int64_t h = 0; h < s.h; ++h) {
        row(in.end - in.begin, (c * s.h + h) * s.w + in.begin * s.stride_w + shift,
            c * p.channel + j * p.images * p.plane + p.row(h + s.padding_h) + in.begin);
      }
    }
  }
}

/// Copies of the inputs of one group.
template <class T>
class Inputs {
 public:
  Inputs(const ConvSizes& s, const Planes& p)
      : s_(s), p_(p), memory_(s.c / s.groups * p.channel + p.slack) {
    clear();
  }
  void clear() { memory_.clear(); }
  /// Copies those at x, as image number `image`. What the padding sees is 0 and stays.
  void copy(int64_t image, const T* x) {
    T* const to = memory_.data() + image * p_.plane;
    for_rows(s_, p_, [&](int64_t n, int64_t from, int64_t at) {
      if (s_.stride_w == 1) return copy_row(n, x + from, to + at);
      with_stride(s_.stride_w, [&](auto stride) {
        for (int64_t i = 0; i < n; ++i) to[at + i] = x[from + i * stride];
      });
    });
  }
  const T* data() const { return memory_.data(); }

 private:
  const ConvSizes& s_;
  const Planes& p_;
  Workspace<T> memory_;
};

/// The offset of the input element of each tap from that of the first tap.
inline void fill_offsets(const ConvSizes& s, const Planes& p, int64_t* offset) {
  for (int64_t c = 0; c < s.c / s.groups; ++c) {
    for (int64_t i = 0; i < s.kh; ++i) {
      for (int64_t j = 0; j < s.kw; ++j) {
        *offset++ = c * p.channel + p.row(i * s.dilation_h) + j * p.tap;
      }
    }
  }
}

}  // namespace

}  // namespace gradus::kernels
