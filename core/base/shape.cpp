#include "shape.h"

#include <algorithm>
#include <ostream>

#include "error.h"

namespace gradus {

namespace {
void check_capacity(const char* op, size_t dims) {
  require<ShapeError>(dims <= Shape::max_dims, op, "merge some with flatten() or reshape()",
                      "a tensor has at most ", Shape::max_dims, " dimensions, got ", dims);
}
}  // namespace

Shape::Shape(std::initializer_list<int64_t> sizes)
    : Shape(std::span<const int64_t>(sizes.begin(), sizes.size())) {}

Shape::Shape(std::span<const int64_t> sizes) : dim_(static_cast<int>(sizes.size())) {
  check_capacity("shape", sizes.size());
  std::copy(sizes.begin(), sizes.end(), sizes_.begin());
}

Shape Shape::filled(int dim, int64_t value) {
  check_capacity("shape", static_cast<size_t>(dim));
  Shape s;
  s.dim_ = dim;
  std::fill(s.begin(), s.end(), value);
  return s;
}

void Shape::push_back(int64_t size) {
  check_capacity("shape", static_cast<size_t>(dim_) + 1);
  sizes_[static_cast<size_t>(dim_++)] = size;
}

void Shape::insert(int position, int64_t size) {
  push_back(size);
  std::rotate(begin() + position, end() - 1, end());
}

void Shape::erase(int position) {
  std::copy(begin() + position + 1, end(), begin() + position);
  --dim_;
}

Shape Shape::part(int first, int last) const {
  return Shape(std::span<const int64_t>(begin() + first, begin() + last));
}

int64_t Shape::numel() const {
  int64_t n = 1;
  bool overflow = false;
  for (int64_t size : *this) {
    if (size == 0) return 0;
    overflow = __builtin_mul_overflow(n, size, &n) || overflow;
  }
  require<ShapeError>(!overflow, "shape", "a size is wrong", "the number of elements of ", *this,
                      " overflows 64 bits");
  return n;
}

Shape Shape::row_major_strides() const {
  Shape strides = filled(dim_, 1);
  if (numel() == 0) return strides;  // the others' product may overflow, and no stride is used
  for (int i = dim_ - 2; i >= 0; --i) {
    strides[i] = strides[i + 1] * (*this)[i + 1];
  }
  return strides;
}

std::string Shape::to_string() const {
  std::string text = "[";
  for (int i = 0; i < dim_; ++i) {
    if (i > 0) text += ',';
    text += str((*this)[i]);
  }
  return text + "]";
}

bool operator==(const Shape& a, const Shape& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end());
}

std::ostream& operator<<(std::ostream& out, const Shape& shape) {
  return out << shape.to_string();
}

std::optional<uint64_t> bytes_in_file(const Shape& sizes, size_t element_bytes) {
  auto bytes = static_cast<int64_t>(element_bytes);
  bool is_empty = false;
  for (const int64_t size : sizes) {
    is_empty = is_empty || size == 0;
    if (size < 0 || (size > 0 && __builtin_mul_overflow(bytes, size, &bytes))) return {};
  }
  return is_empty ? 0 : static_cast<uint64_t>(bytes);
}

namespace {

int normalize(const char* op, int64_t dim, int dims, const char* where, const Shape& shape) {
  if (dim < -dims || dim >= dims) {
    throw IndexError(op, str("dimension ", dim, " is out of range ", where, shape),
                     str("dimensions go from ", -dims, " to ", dims - 1));
  }
  return static_cast<int>(dim < 0 ? dim + dims : dim);
}

}  // namespace

int normalize_dim(const char* op, int64_t dim, const Shape& shape) {
  // 0-d tensors accept dim 0 and -1, as in PyTorch.
  return normalize(op, dim, std::max(shape.dim(), 1), "for ", shape);
}

int normalize_new_dim(const char* op, int64_t dim, const Shape& shape) {
  check_capacity(op, static_cast<size_t>(shape.dim()) + 1);
  return normalize(op, dim, shape.dim() + 1, "for a new one in ", shape);
}

Shape broadcast_shapes(const char* op, const Shape& a, const Shape& b) {
  Shape out = Shape::filled(std::max(a.dim(), b.dim()), 1);
  for (int i = 1; i <= out.dim(); ++i) {
    const int64_t x = i <= a.dim() ? a[a.dim() - i] : 1;
    const int64_t y = i <= b.dim() ? b[b.dim() - i] : 1;
    require<ShapeError>(x == y || x == 1 || y == 1, op,
                        "sizes must be equal or 1, compared from the last dimension backwards",
                        "shapes ", a, " and ", b, " do not broadcast: ", x, " against ", y,
                        " in dimension ", -i);
    out[out.dim() - i] = x == 1 ? y : x;
  }
  return out;
}

}  // namespace gradus
