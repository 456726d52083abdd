// Elementwise kernels on tensors, and the step from a row of functions_kernel.h to an operation.
#pragma once

#include <array>
#include <concepts>
#include <tuple>

#include "../op_support.h"
#include "elementwise_kernel.h"

namespace gradus {

namespace ops {

/// The functions in these places of their tables, off the tape. Arguments already have the same
/// shape and type.
/// @{
Tensor compute_unary(const char* op, int place, const Tensor& x, const double* constants);
Tensor compute_binary(const char* op, int place, const Tensor& a, const Tensor& b);
/// @}
/// The rule of the unary function in this place, in one pass over the gradient g of its result and
/// what it saved.
Tensor compute_gradient(int place, const Tensor& g, const Tensor& saved, const double* constants);

/// 0 where y <= 0, else g, including where y is NaN.
Tensor relu_gradient(const Tensor& g, const Tensor& y);

namespace {

template <Name name>
using UnaryRow = kernels::RowNamed<decltype(kernels::unary_functions), name>;

/// f(x) in the name of `op`, off the tape. Throws DTypeError if f takes only floating-point numbers
/// and x has others.
template <Name f, std::same_as<double>... Constant>
Tensor compute(const char* op, const Tensor& x, Constant... constants) {
  if (UnaryRow<f>::floating) check_floating(op, x);
  const std::array<double, 2> values = {constants...};
  return compute_unary(op, decltype(kernels::unary_functions)::index_of(f), x, values.data());
}
/// f(a, b), off the tape.
template <Name f>
Tensor compute(const Tensor& a, const Tensor& b) {
  return compute_binary(f.text, decltype(kernels::binary_functions)::index_of(f), a, b);
}

/// y = f(x) on the tape in the name of `op`, with f's rule, which gets the numbers among `options`.
/// The rule is computed as a kernel unless a tape records it, to differentiate it again.
template <Name f, class Options = NumberOptions<>>
Tensor recorded(const char* op, const Tensor& x, const Tensor& y, const Options& options = {}) {
  using Row = UnaryRow<f>;
  using Rule = typename Row::Rule;
  if constexpr (Row::saved == kernels::Saved::nothing) {
    return record(op, inputs(x), y, saved(), options,
                  [](auto&, auto&, auto& g) { return Rule()(g); });
  } else {
    return record(op, inputs(x), y, saved(Row::saved == kernels::Saved::argument ? x : y), options,
                  []([[maybe_unused]] auto& s, [[maybe_unused]] auto& o, auto& g) {
                    const auto apply = [&](auto... constant) {
                      if (Tape::current() != nullptr) return Rule()(g, s[0], constant...);
                      const std::array<double, 2> constants = {constant...};
                      return compute_gradient(decltype(kernels::unary_functions)::index_of(f), g,
                                              s[0], constants.data());
                    };
                    if constexpr (requires { o.values; }) {
                      return std::apply(apply, o.values);
                    } else {
                      return apply();
                    }
                  });
  }
}

/// f as an operation, with constants of these names.
template <Name f, Name... names, std::same_as<double>... Constant>
Tensor unary(const Tensor& x, Constant... constants) {
  return recorded<f>(f.text, x, compute<f>(f.text, x, constants...),
                     NumberOptions<names...>{{constants...}});
}

}  // namespace

}  // namespace ops

// For rules, whose operations are found by argument-dependent lookup, in the namespace of Tensor.
using ops::mul_or_zero;
using ops::relu_gradient;

}  // namespace gradus
