// Writes in place: fill_, copy_, add_ and mul_, and +=, -=, *= and /=.
#include "../create/copy_kernel.h"
#include "../op_support.h"
#include "elementwise_kernel.h"

namespace gradus {

using namespace ops;

Tensor Tensor::fill_(double value) {
  check_in_place("fill_", *this);
  check_representable("fill_", *this, value);
  kernels::fill(loop_over(*this), dtype(), raw_mutable_data(), value);
  return *this;
}

Tensor Tensor::copy_(const Tensor& source) {
  check_in_place("copy_", *this);
  check_same_dtype("copy_", *this, source);
  const Tensor x = read_for(*this, source);
  kernels::copy(loop_over(*this, x), dtype(), raw_mutable_data(), x.raw_data());
  return *this;
}

Tensor Tensor::add_(const Tensor& other, double alpha) {
  check_in_place("add_", *this);
  check_same_dtype("add_", *this, other);
  check_representable("add_", *this, alpha);
  const Tensor x = read_for(*this, other);
  dispatch_number("add_", dtype(), [&]<class T>() {
    kernels::table<kernels::Elementwise<T>>().axpy(loop_over(*this, x), mutable_data<T>(),
                                                   x.data<T>(), alpha);
  });
  return *this;
}

Tensor Tensor::mul_(double factor) {
  check_in_place("mul_", *this);
  check_representable("mul_", *this, factor);
  const Strides repeated = Strides::filled(dim(), 0);
  const auto loop = kernels::make_loop<3>(dim(), shape().begin(),
                                          {strides().begin(), strides().begin(), repeated.begin()});
  dispatch_number("mul_", dtype(), [&]<class T>() {
    const T value = static_cast<T>(factor);
    T* data = mutable_data<T>();
    constexpr int place = decltype(kernels::binary_functions)::index_of("mul");
    kernels::table<kernels::Elementwise<T>>().binary[place](loop, data, data, &value);
  });
  return *this;
}

namespace {

/// Writes f(left, right) into left, unless either side is on a tape: an assignment would lose a
/// gradient.
Tensor assign(const char* op, Tensor& left, const Operand& right,
              Tensor (*f)(const Operand&, const Operand&)) {
  const char* const hint =
      "x = x + y makes a new tensor that is on the tape; y.detach() has the value alone; "
      "parameters and statistics are written under NoGrad";
  const bool records = Tape::current() != nullptr;
  require<TapeError>(!records || !left.requires_grad(), op, hint,
                     "cannot write in place to a tensor ", left.shape(),
                     " that a tape tracks: the gradient would be wrong");
  if (const Tensor* const x = right.tensor; x != nullptr && x->defined()) {
    require<TapeError>(!records || !x->requires_grad(), op, hint, "a tape tracks the right side ",
                       x->shape(), " and not the left side ", left.shape(),
                       ": the gradient would be lost");
  }
  const Tensor result = f(left, right);
  require<ShapeError>(result.shape() == left.shape(), op,
                      "only the right side broadcasts; x = x + y makes a new tensor", "the result ",
                      result.shape(), " does not fit into ", left.shape());
  return left.copy_(result);
}

}  // namespace

Tensor Tensor::operator+=(const Operand& other) {
  return assign("+=", *this, other, add);
}
Tensor Tensor::operator-=(const Operand& other) {
  return assign("-=", *this, other, sub);
}
Tensor Tensor::operator*=(const Operand& other) {
  return assign("*=", *this, other, mul);
}
Tensor Tensor::operator/=(const Operand& other) {
  return assign("/=", *this, other, div);
}

}  // namespace gradus
