// +=, -=, *= and /=: the result of an operation, written into its left side.
#include "../base/error.h"
#include "../ops.h"
#include "../tape.h"

namespace gradus {

namespace {

/// Where either side is on a tape, an assignment would lose a gradient.
void check_untracked(const char* op, const Tensor& left, const Tensor& right) {
  const char* const hint =
      "x = x + y makes a new tensor that is on the tape; y.detach() has the value alone; "
      "parameters and statistics are written under NoGrad";
  if (Tape::current() == nullptr) return;
  if (left.requires_grad()) {
    throw TapeError(op,
                    str("cannot write in place to a tensor ", left.shape(),
                        " that a tape tracks: the gradient would be wrong"),
                    hint);
  }
  if (right.defined() && right.requires_grad()) {
    throw TapeError(op,
                    str("a tape tracks the right side ", right.shape(), " and not the left side ",
                        left.shape(), ": the gradient would be lost"),
                    hint);
  }
}

void write(const char* op, Tensor& left, const Tensor& result) {
  if (result.shape() != left.shape()) {
    throw ShapeError(op, str("the result ", result.shape(), " does not fit into ", left.shape()),
                     "only the right side broadcasts; x = x + y makes a new tensor");
  }
  left.copy_(result);
}

}  // namespace

Tensor Tensor::operator+=(const Tensor& other) {
  check_untracked("+=", *this, other);
  write("+=", *this, add(*this, other));
  return *this;
}
Tensor Tensor::operator-=(const Tensor& other) {
  check_untracked("-=", *this, other);
  write("-=", *this, sub(*this, other));
  return *this;
}
Tensor Tensor::operator*=(const Tensor& other) {
  check_untracked("*=", *this, other);
  write("*=", *this, mul(*this, other));
  return *this;
}
Tensor Tensor::operator/=(const Tensor& other) {
  check_untracked("/=", *this, other);
  write("/=", *this, div(*this, other));
  return *this;
}

Tensor Tensor::operator+=(double other) {
  check_untracked("+=", *this, {});
  write("+=", *this, add(*this, other));
  return *this;
}
Tensor Tensor::operator-=(double other) {
  check_untracked("-=", *this, {});
  write("-=", *this, sub(*this, other));
  return *this;
}
Tensor Tensor::operator*=(double other) {
  check_untracked("*=", *this, {});
  write("*=", *this, mul(*this, other));
  return *this;
}
Tensor Tensor::operator/=(double other) {
  check_untracked("/=", *this, {});
  write("/=", *this, div(*this, other));
  return *this;
}

}  // namespace gradus
