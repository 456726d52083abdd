// Softmax, its logarithm, and the logarithm of a sum of exponentials.
#include <limits>

#include "../op_support.h"
#include "softmax_kernel.h"

namespace gradus {

using namespace ops;

namespace {

/// Of a contiguous tensor along dimension `dim`.
kernels::Axis axis_of(const Tensor& x, int dim) {
  if (x.dim() == 0) return {1, 1, 1};
  const Shape& shape = x.shape();
  return {shape.part(0, dim).numel(), shape[dim], shape.part(dim + 1, shape.dim()).numel()};
}

struct SoftmaxOptions {
  int dim;
  static void describe(auto& options, auto& visit) { visit("dim", options.dim); }
};

template <bool is_log>
Tensor gradient_of_rows(const Tensor& gradient, const Tensor& y) {
  const Tensor g = contiguous(gradient);
  Tensor dx = Tensor::empty(y.shape(), y.dtype());
  const kernels::Axis axis = axis_of(y, y.dim() - 1);
  dispatch_floating("softmax", y.dtype(), [&]<class T>() {
    const auto& table = kernels::table<kernels::Softmax<T>>();
    (is_log ? table.log_softmax_gradient : table.softmax_gradient)(
        axis.outer, axis.n, dx.mutable_data<T>(), g.data<T>(), y.data<T>());
  });
  return dx;
}

template <bool is_log, class Rule>
Tensor along(const char* op, const Tensor& input, int64_t dim, Rule) {
  check_floating(op, input);
  const int d = normalize_dim(op, dim, input.shape());
  const Tensor x = contiguous(input);
  Tensor y = Tensor::empty(x.shape(), x.dtype());
  dispatch_floating(op, x.dtype(), [&]<class T>() {
    const auto& table = kernels::table<kernels::Softmax<T>>();
    (is_log ? table.log_softmax : table.softmax)(axis_of(x, d), y.mutable_data<T>(), x.data<T>());
  });
  return record(Op(is_log ? "log_softmax" : "softmax", 5.0 * static_cast<double>(x.numel())),
                inputs(x), y, saved(y), SoftmaxOptions{d}, [](auto& s, auto& a, auto& g) {
                  const bool composes = Tape::current() != nullptr || a.dim + 1 < s[0].dim();
                  return composes ? Rule()(g, s[0], Dims{a.dim})
                                  : gradient_of_rows<is_log>(g, s[0]);
                });
}

}  // namespace

Tensor softmax(const Tensor& x, int64_t dim) {
  return along<false>("softmax", x, dim, [](auto& g, auto& y, const Dims& over) {
    const Tensor gy = mul(g, y);
    return sub(gy, mul(y, sum(gy, over, true)));
  });
}

Tensor log_softmax(const Tensor& x, int64_t dim) {
  return along<true>("log_softmax", x, dim, [](auto& g, auto& y, const Dims& over) {
    return sub(g, mul_or_zero(exp(y), sum(g, over, true)));
  });
}

Tensor softmin(const Tensor& x, int64_t dim) {
  const Tape::Span span("softmin", Option{"dim", dim});
  return softmax(neg(x), dim);
}

// --- Logarithm of a sum of exponentials ---

namespace {

/// The maximum over dims where it is finite, else 0: what the exponents are measured from.
Tensor finite_top(const Tensor& x, const Dims& dims) {
  if (x.numel() == 0) return zeros(with_ones(x.shape(), dims), x.dtype());
  const Tensor top = amax(x, dims, true);
  return masked_fill(top, eq(abs(top), std::numeric_limits<double>::infinity()), 0);
}

Tensor compute_logsumexp(const Tensor& x, const Dims& dims) {
  const NoGrad pause;  // one line on the tape, with a rule of its own
  const Tensor top = finite_top(x, dims);
  return add(log(sum(exp(sub(x, top)), dims, true)), top);
}

/// The slopes of logsumexp where some of its results are infinite: what is +inf has it all, in
/// equal parts, and what is -inf together has none.
Tensor infinite_softmax(const Tensor& x, const Tensor& y, const Dims& dims) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  const Tensor infinite = eq(abs(y.detach()), infinity);
  const Tensor winners = to(eq(x, infinity), x.dtype());
  const Tensor share = div(winners, maximum(sum(winners, dims, true), 1));
  return where(infinite, share, exp(sub(masked_fill(x, infinite, 0), masked_fill(y, infinite, 0))));
}

}  // namespace

Tensor logsumexp(const Tensor& x, const Dims& wanted, bool keepdim) {
  check_floating("logsumexp", x);
  const Dims dims = normalize_dims("logsumexp", wanted, x.shape());
  const Tensor y = compute_logsumexp(x, dims);
  const Tensor out = record(
      Op("logsumexp", 4.0 * static_cast<double>(x.numel())), inputs(x), y, saved(x, y), dims,
      [](auto& s, auto& over, auto& g) {
        return mul(g, all_finite(s[1]) ? exp(sub(s[0], s[1])) : infinite_softmax(s[0], s[1], over));
      });
  return keepdim ? out : reshape(out, without(out.shape(), dims));
}

}  // namespace gradus
