// The tensor: a cheap handle to a strided view of shared, versioned memory.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/dtype.h"
#include "base/list.h"
#include "base/shape.h"
#include "operators.h"
#include "storage.h"

namespace gradus {

class Tensor;

namespace detail {

/// A tensor's position on a tape: written once, when the entry that produced it is recorded.
struct TapeSlot {
  uint64_t tape = 0;  // 0: on no tape
  int32_t index = -1;
  uint32_t generation = 0;  // distinguishes an entry from a trimmed one with the same index
};

struct TensorImpl;

}  // namespace detail

/// An argument that may be a number, which becomes a tensor of the other argument's type.
using Operand = detail::OperandOf<Tensor>;

/// An n-dimensional array. Copying a Tensor copies the handle, never the data: both copies refer to
/// the same elements. Views (reshape, transpose, slices ...) share the memory of their base.
///
/// Operations are free functions in ops.h; the members here are those that compute nothing, and
/// short forms of the most used operations.
class Tensor : detail::Operators<Tensor> {
 public:
  /// An undefined tensor: no shape, no data. "No gradient" is an undefined tensor.
  Tensor() noexcept = default;
  Tensor(const Tensor&) = default;
  Tensor(Tensor&&) noexcept = default;
  ~Tensor() = default;
  /// Rebinds the variable to another tensor; no element is written. So only variables can be
  /// assigned to: `x[0] = y` would do nothing, and does not compile. Write `x[0].copy_(y)`.
  /// @{
  Tensor& operator=(const Tensor&) & = default;
  Tensor& operator=(Tensor&&) & noexcept = default;
  /// @}

  /// A new tensor with undefined contents. Throws ShapeError for negative or overflowing sizes.
  static Tensor empty(const Shape& shape, DType dtype = float32);

  bool defined() const { return impl_ != nullptr; }
  const Shape& shape() const&;
  Shape shape() && {
    return std::as_const(*this).shape();
  }  ///< of a temporary: a copy that outlives it
  /// Distance between adjacent elements in each dimension, in elements.
  const Strides& strides() const&;
  Strides strides() && {
    return std::as_const(*this).strides();
  }  ///< of a temporary: a copy that outlives it
  DType dtype() const;
  int dim() const { return shape().dim(); }
  /// Size of one dimension; negative dimensions count from the end.
  int64_t size(int64_t dim) const;
  int64_t numel() const;
  /// Bytes of the elements: numel times the size of one.
  int64_t nbytes() const;
  /// True if the elements are in row-major order without gaps.
  bool is_contiguous() const;

  /// The first element. Elements of a non-contiguous tensor are reached through strides().
  /// Throws DTypeError if T is not the element type.
  template <class T>
  const T* data() const {
    check_dtype("data", dtype_v<T>);
    return static_cast<const T*>(raw_data());
  }
  /// The first element, for writing: counts as a write (see version()).
  template <class T>
  T* mutable_data() {
    check_dtype("mutable_data", dtype_v<T>);
    return static_cast<T*>(raw_mutable_data());
  }
  const void* raw_data() const;
  void* raw_mutable_data();

  /// The value of a tensor with one element. Throws ShapeError for any other.
  double item() const;
  /// The same as a number of type T, `x.item<int64_t>()`. Throws ValueError if T is an integer type
  /// and the value has a fraction or is out of its range.
  template <class T>
  requires std::is_arithmetic_v<T> T item()
  const {
    if constexpr (std::is_floating_point_v<T>) {
      return static_cast<T>(item());
    } else {
      using Limits = std::numeric_limits<T>;
      constexpr auto largest = static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
      return static_cast<T>(whole_item(
          static_cast<int64_t>(Limits::min()),
          static_cast<int64_t>(std::min(largest, static_cast<uint64_t>(Limits::max())))));
    }
  }
  /// All elements in row-major order. Throws DTypeError if T is not the element type.
  template <class T>
  std::vector<T> to_vector() const;

  /// Gives this tensor a name, by which the tape shows it: a leaf, an input that needs no gradient,
  /// or the result of the last operation (`h = tanh(x * w); h.set_name("h")`). It belongs to the
  /// tensor, not to its memory: views, copies and results have none. "" removes it. Returns this
  /// handle.
  Tensor set_name(std::string name);
  /// The same for a parameter or a buffer of a module, whose path the tape puts before the name.
  Tensor set_name_in_module(std::string name);
  /// The name; "" if it has none.
  std::string name() const;
  bool has_name() const;            ///< True if it has one.
  bool is_named_in_module() const;  ///< True if it has one from set_name_in_module().

  /// Number of writes to the memory this tensor shares with its views.
  uint32_t version() const;

  // --- Gradients ---

  /// True for a leaf that requires a gradient, and for what a tape computed from one.
  bool requires_grad() const;
  /// Requires a gradient (or no longer does). Throws DTypeError for integer tensors, and TapeError
  /// for a tensor that a tape computed. Returns this handle, as all functions with a trailing `_`
  /// do.
  Tensor requires_grad_(bool on = true);
  /// The gradient that Tape::backward accumulated for this leaf; undefined if there is none. It
  /// shares memory with no other tensor, and is contiguous. This is a handle to it: writing to it
  /// changes the gradient, and while somebody holds such a handle, backward() computes a new sum
  /// rather than changing it.
  Tensor grad() const;
  /// Replaces the gradient; an undefined tensor clears it. Keeps a copy (an entry on a recording
  /// tape that tracks it), unless nobody else holds the argument: `set_grad(std::move(g))`,
  /// `set_grad(a * b)`. Throws if shape or dtype differ.
  void set_grad(Tensor grad);
  /// The same elements, on no tape and without gradient.
  Tensor detach() const;

  // --- Short forms of operations in ops.h ---

  Tensor to(DType dtype) const;
  Tensor clone() const;
  Tensor contiguous() const;
  Tensor reshape(const Shape& shape) const;
  Tensor flatten(int64_t start_dim = 0, int64_t end_dim = -1) const;
  Tensor transpose(int64_t dim0, int64_t dim1) const;
  /// The transpose of a matrix. Throws ShapeError unless there are two dimensions.
  Tensor T() const;  // NOLINT(readability-identifier-naming): as users of PyTorch write it
  Tensor permute(const Shape& dims) const;
  Tensor expand(const Shape& shape) const;
  Tensor squeeze(std::optional<int64_t> dim = {}) const;
  Tensor unsqueeze(int64_t dim) const;
  Tensor narrow(int64_t dim, int64_t start, int64_t length) const;
  Tensor select(int64_t dim, int64_t index) const;
  /// A view of element `index` of the first dimension: x[0], x[-1], x[2][3].
  Tensor operator[](int64_t index) const { return select(0, index); }
  Tensor sum(const Shape& dims = {}, bool keepdim = false) const;
  Tensor mean(const Shape& dims = {}, bool keepdim = false) const;
  Tensor argmax(std::optional<int64_t> dim = {}, bool keepdim = false) const;

  // --- In-place writes: for parameters and statistics; never differentiated ---

  /// Each returns this handle. They throw TapeError for a tensor that a recording tape tracks (open
  /// a NoGrad scope for parameters), ValueError for one whose elements share memory locations
  /// (after expand()), and count as a write. They read everything before they write: a source that
  /// overlaps the target other than element by element is copied first.
  Tensor fill_(double value);
  Tensor zero_() { return fill_(0); }
  /// Copies the elements of `source`, which broadcasts to this shape; dtypes must be equal.
  Tensor copy_(const Tensor& source);
  Tensor add_(const Tensor& other, double alpha = 1);  ///< this += alpha * other
  Tensor mul_(double factor);
  /// The result of the operation, written into this tensor, whose shape it must have. They also
  /// throw TapeError if a recording tape tracks only `other`: its gradient would be lost.
  /// @{
  Tensor operator+=(const Operand& other);
  Tensor operator-=(const Operand& other);
  Tensor operator*=(const Operand& other);
  Tensor operator/=(const Operand& other);
  /// @}

  /// Takes over elements, shape and type of `data`, while the object stays the same: whoever holds
  /// a handle (an optimizer) sees the change; views keep the old elements. Copies `data` unless
  /// nobody else holds it. For leaves; counts as a write. The gradient stays as it is.
  void set_data(Tensor data);

  /// True if both handles refer to the same tensor object.
  bool is_same(const Tensor& other) const { return impl_ == other.impl_; }

  // --- For op implementations ---

  /// Writes the elements to `place` in row-major order, if there are `most` or fewer, and returns
  /// how many there are; else writes nothing and returns -1. Allocates nothing.
  int64_t few_elements(double* place, int64_t most) const;
  /// A view of the same storage. `offset` counts elements from this tensor's first one.
  Tensor view(const Shape& shape, const Strides& strides, int64_t offset = 0) const;
  /// True if only `handles` handles hold this tensor, and nothing else holds its storage, so that
  /// its memory may be reused.
  bool is_unshared(long handles = 1) const;
  /// True if each element has a memory location of its own. False after expand(), and for strides
  /// for which this is not obvious.
  bool is_non_overlapping() const;
  /// True if the memory ranges from first to last element of both intersect.
  bool overlaps(const Tensor& other) const;
  const detail::TapeSlot& tape_slot() const;
  void set_tape_slot(const detail::TapeSlot& slot);
  /// Identity of the tensor object, for maps.
  const void* id() const { return impl_.get(); }

 private:
  explicit Tensor(std::shared_ptr<detail::TensorImpl> impl) : impl_(std::move(impl)) {}
  detail::TensorImpl& impl() const;
  int64_t whole_item(int64_t least, int64_t largest) const;
  void check_dtype(const char* op, DType expected) const;

  std::shared_ptr<detail::TensorImpl> impl_;
};

/// A tensor and the dotted name it has in its module, "layer1.conv.weight".
struct NamedTensor {
  std::string name;  ///< unique in its list
  Tensor tensor;     ///< a handle: writing to it writes to the module's
};
/// Named tensors in order: parameters, buffers, the content of a file. A std::vector.
using NamedTensors = detail::List<NamedTensor>;

}  // namespace gradus
