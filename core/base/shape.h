// Sizes and strides of up to eight dimensions, stored inline.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <iosfwd>
#include <optional>
#include <span>
#include <string>

namespace gradus {

/// A short list of integers, one per dimension: the sizes of a tensor, or its strides in elements.
/// Holds up to `max_dims` entries and never allocates.
class Shape {
 public:
  static constexpr int max_dims = 8;  ///< the most dimensions that a tensor can have

  Shape() = default;
  /// Throws ShapeError for more than `max_dims` entries.
  Shape(std::initializer_list<int64_t> sizes);
  explicit Shape(std::span<const int64_t> sizes);
  /// `dim` entries, all equal to `value`.
  static Shape filled(int dim, int64_t value);

  int dim() const { return dim_; }
  bool empty() const { return dim_ == 0; }
  int64_t operator[](int i) const { return sizes_[static_cast<size_t>(i)]; }
  int64_t& operator[](int i) { return sizes_[static_cast<size_t>(i)]; }
  int64_t back() const { return sizes_[static_cast<size_t>(dim_ - 1)]; }

  const int64_t* begin() const { return sizes_.data(); }
  const int64_t* end() const { return sizes_.data() + dim_; }
  int64_t* begin() { return sizes_.data(); }
  int64_t* end() { return sizes_.data() + dim_; }
  operator std::span<const int64_t>() const { return {begin(), end()}; }

  /// The entries from number `begin` up to, not including, number `end`.
  Shape part(int begin, int end) const;

  void push_back(int64_t size);
  void insert(int position, int64_t size);
  void erase(int position);

  /// Product of all entries; 1 for no dimensions. Throws ShapeError if it overflows 63 bits.
  int64_t numel() const;
  /// Strides of a row-major (C order) tensor of this shape.
  Shape row_major_strides() const;

  /// As written in messages: `[64,1,28,28]`.
  std::string to_string() const;

  friend bool operator==(const Shape& a, const Shape& b);

 private:
  std::array<int64_t, max_dims> sizes_;  // entries beyond dim_ are never read
  int dim_ = 0;
};

/// Distances between adjacent elements in each dimension, in elements.
using Strides = Shape;

/// Writes to_string().
std::ostream& operator<<(std::ostream& out, const Shape& shape);

/// The bytes that elements of `element_bytes` each take in a file; nothing if they overflow 63
/// bits, or a size is negative, as one of 64 bits looks here. With a size of 0 that is none, but
/// the other sizes must not overflow either: no other reader accepts that.
std::optional<uint64_t> bytes_in_file(const Shape& sizes, size_t element_bytes);

/// Turns a dimension of `shape` counted from the end (-1 is the last) into one counted from the
/// front. Throws IndexError, in the name of `op`, if there is no such dimension.
int normalize_dim(const char* op, int64_t dim, const Shape& shape);
/// The same for a dimension yet to be inserted into `shape`: -1 is after the last one.
int normalize_new_dim(const char* op, int64_t dim, const Shape& shape);

/// The shape that `a` and `b` broadcast to under NumPy's rules; throws ShapeError in the name of
/// `op` if they do not match.
Shape broadcast_shapes(const char* op, const Shape& a, const Shape& b);

/// Numbers of dimensions, as Shape holds them; negative ones count from the end.
using Dims = Shape;

}  // namespace gradus
