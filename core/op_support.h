// Helpers for implementing operations: checks, shapes, loop nests, and internal operations that are
// defined in their families.
#pragma once

#include <utility>

#include "base/error.h"
#include "ops.h"
#include "simd/strided.h"
#include "tape.h"

namespace gradus::ops {

/// A loop nest over `out` (the shape) and operands of the same shape.
template <class... Tensors>
kernels::Loop<1 + sizeof...(Tensors)> loop_over(const Tensor& out, const Tensors&... operands) {
  return kernels::make_loop<1 + sizeof...(Tensors)>(
      out.dim(), out.shape().begin(), {out.strides().begin(), operands.strides().begin()...});
}

/// What f() returns. Errors name `op`, which is what the user called.
template <class F>
Tensor in_name_of(const char* op, const F& f) {
  try {
    return f();
  } catch (Error& error) {
    error.set_op(op);
    throw;
  }
}

/// One option of a composed operation, for its span:
/// `const Tape::Span span("stack", Option{"dim", dim});`
template <class T>
struct Option {
  const char* name;
  const T& value;
  static void describe(const auto& o, auto& visit) { visit(o.name, o.value); }
};
template <class T>
Option(const char*, const T&) -> Option<T>;

/// Throws DTypeError if the types differ: there is no silent promotion.
void check_same_dtype(const char* op, const Tensor& a, const Tensor& b);
/// Throws DTypeError if x is not floating.
void check_floating(const char* op, const Tensor& x);
/// Throws DTypeError if x is not of this type; `role` names the argument ("index").
void check_dtype(const char* op, const char* role, const Tensor& x, DType dtype);
/// Throws ShapeError if x does not have `dims` dimensions; `layout` explains them ("[N,C,H,W]").
void check_dim(const char* op, const char* role, const Tensor& x, int dims, const char* layout);

/// The source for an elementwise write to `target`: expanded to its shape, and copied first if the
/// two share memory, unless they are exactly the same elements. Allocates nothing but that copy.
Tensor read_for(const Tensor& target, const Tensor& source);

/// Both as tensors: a number is one without dimensions, of the other's type.
std::pair<Tensor, Tensor> as_tensors(const char* op, const Operand& a, const Operand& b);
/// Both arguments expanded to their common shape, by a recorded `expand` for each whose shape
/// changes: its rule sums the gradient over the new elements (shape/view.cpp). Throws DTypeError if
/// their types differ.
std::pair<Tensor, Tensor> broadcast(const char* op, const Operand& a, const Operand& b);

/// Throws if `value` cannot be an element of x's type: DTypeError for a fraction in an integer
/// type, ValueError for NaN and numbers out of its range.
void check_representable(const char* op, const Tensor& x, double value);
/// A 0-d tensor of x's type with this value, which is checked.
Tensor scalar_like(const char* op, const Tensor& x, double value);

/// x in int64 if it is of another integer type or bool, so that sums and products do not overflow;
/// floating-point tensors are returned unchanged.
Tensor widened(const Tensor& x);

/// The sum of x^2 over `dims`, divided by `divisor`; squared and added in double.
Tensor sum_of_squares(const Tensor& x, const Dims& dims, double divisor, bool keepdim = false);
/// x to the power p, for x >= 0. By convention its value and all its derivatives are 0 at x = 0.
Tensor power_or_zero(const Tensor& x, double p);
/// x minus its mean over `dims`, subtracted twice: the first mean is rounded to the type of x, and
/// far from 0 that error exceeds the differences within x.
Tensor centred(const Tensor& x, const Dims& dims);

/// a b, and 0 where b is 0, even if a is infinite or NaN there. Broadcasts.
Tensor mul_or_zero(const Tensor& a, const Tensor& b);

/// Elementwise losses, reduced as requested.
Tensor reduced(const Tensor& losses, Reduction reduction);

/// `dims` normalized, sorted, without duplicates (IndexError); all dimensions of `shape` if empty.
Dims normalize_dims(const char* op, const Dims& dims, const Shape& shape);
/// `shape` with the (normalized) dims set to 1.
Shape with_ones(const Shape& shape, const Dims& dims);
/// `shape` without the (normalized) dims.
Shape without(const Shape& shape, const Dims& dims);

}  // namespace gradus::ops
