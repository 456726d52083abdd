#include "op_table.h"

#include <algorithm>
#include <numeric>

#include "../../core/grad.h"
#include "../../core/ops.h"

namespace gradus::op_table {
namespace {

std::vector<double> distinct_values(int64_t n, Rng& generator) {
  std::vector<double> values(static_cast<size_t>(n));
  std::iota(values.begin(), values.end(), -static_cast<double>(n) / 2);
  for (size_t i = values.size(); i > 1; --i) std::swap(values[i - 1], values[generator.below(i)]);
  for (double& v : values) v = 0.1 * v + 0.03 + 0.02 * generator.uniform();
  return values;
}

double floating_value(Values values, Rng& generator) {
  switch (values) {
    case Values::positive:
      return generator.uniform(0.3, 1.8);
    case Values::unit:
      return generator.uniform(-0.8, 0.8);
    default:
      return generator.uniform(0.3, 1.5) * (generator.below(2) == 0 ? 1 : -1);
  }
}

Tensor make_input(const Input& input, DType dtype, Size size, Rng& generator) {
  const Shape shape = size == Size::large && !input.large.empty() ? input.large : input.shape;
  const auto n = static_cast<size_t>(shape.numel());
  if (input.values == Values::index || input.values == Values::mask) {
    const uint64_t limit = input.values == Values::mask ? 2 : static_cast<uint64_t>(input.limit);
    std::vector<int64_t> values(n);
    for (int64_t& v : values) v = static_cast<int64_t>(generator.below(limit));
    const Tensor t = tensor(values, shape);
    return input.values == Values::mask ? t.to(boolean) : t;
  }
  std::vector<double> values(n);
  if (input.values == Values::distinct) {
    values = distinct_values(shape.numel(), generator);
  } else {
    for (double& v : values) v = floating_value(input.values, generator);
  }
  // Rounded to float32, so that both floating types start from the same numbers.
  return tensor(values, shape).to(float32).to(dtype);
}

}  // namespace

const std::vector<Row>& rows() {
  static const std::vector<Row> all = [] {
    std::vector<Row> list;
    for (auto part : {elementwise_rows(), activation_rows(), reduction_rows(), shape_rows(),
                      layer_rows(), window_rows(), loss_rows(), linalg_rows()}) {
      std::move(part.begin(), part.end(), std::back_inserter(list));
    }
    return list;
  }();
  return all;
}

Tensors make_inputs(const Row& row, DType dtype, Size size) {
  Rng generator(11);
  Tensors inputs;
  for (const Input& input : row.inputs) {
    inputs.push_back(make_input(input, dtype, size, generator));
  }
  return inputs;
}

Result run(const Row& row, const Tensors& inputs) {
  Tensors leaves, wanted;
  for (const Tensor& x : inputs) {
    leaves.push_back(x.detach());
    if (!is_floating(x.dtype())) continue;
    leaves.back().requires_grad_();
    wanted.push_back(leaves.back());
  }
  const Tape tape;
  const Tensor y = row.call(leaves);
  Result result{.output = y.detach(), .gradients = Tensors(inputs.size())};
  if (!y.requires_grad()) return result;
  Rng generator(12);
  const Tensor cotangent = randn(y.shape(), generator, float64).to(float32).to(y.dtype());
  const Tensors found = grad(y, wanted, {.gradient = cotangent, .allow_unused = true});
  for (size_t i = 0, k = 0; i < inputs.size(); ++i) {
    if (is_floating(inputs[i].dtype())) result.gradients[i] = found[k++];
  }
  return result;
}

std::function<Tensor(const Tensors&)> gradient_of(std::function<Tensor(const Tensors&)> f,
                                                  size_t which) {
  return [f = std::move(f), which](const Tensors& inputs) {
    Tensors xs(inputs.begin(), inputs.end() - 1);
    if (!xs[which].requires_grad()) {
      xs[which] = xs[which].detach();
      xs[which].requires_grad_();
    }
    return grad(f(xs), {xs[which]}, {.gradient = inputs.back(), .create_graph = true})[0];
  };
}

}  // namespace gradus::op_table
