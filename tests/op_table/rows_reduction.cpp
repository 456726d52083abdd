// Reductions, scans and softmax.
#include "../../core/ops.h"
#include "op_table.h"

namespace gradus::op_table {
namespace {

Row reduction(const char* op, const char* form, Tensor (*call)(const Tensors&),
              Values values = Values::any) {
  return {.op = op,
          .form = form,
          .inputs = {{.shape = {3, 4, 2}, .large = {40, 50, 30}, .values = values}},
          .call = call};
}

std::vector<Row> sums() {
  return {
      reduction("sum", "sum(x)", [](const Tensors& x) { return sum(x[0]); }),
      reduction("sum", "sum(x, {1}, keepdim)",
                [](const Tensors& x) { return sum(x[0], {1}, true); }),
      reduction("sum", "sum(x, {0, 2})",
                [](const Tensors& x) {
                  return sum(x[0], {0, 2});
                }),
      reduction("sum", "sum(x, {-1})", [](const Tensors& x) { return sum(x[0], {-1}); }),
      reduction("mean", "mean(x)", [](const Tensors& x) { return mean(x[0]); }),
      reduction("mean", "mean(x, {0, 2})",
                [](const Tensors& x) {
                  return mean(x[0], {0, 2});
                }),
      reduction("sum_of_squares", "var(x, {1})", [](const Tensors& x) { return var(x[0], {1}); }),
      reduction("sum_of_squares", "var(x, {0, 2}, 0)",
                [](const Tensors& x) {
                  return var(x[0], {0, 2}, 0);
                }),
      reduction("norm", "stddev(x, {0})", [](const Tensors& x) { return stddev(x[0], {0}); }),
      reduction("", "prod(x, 1)", [](const Tensors& x) { return prod(x[0], 1); }),
      reduction("norm", "norm(x)", [](const Tensors& x) { return norm(x[0]); }),
      reduction("", "norm(x, {1}, 3)", [](const Tensors& x) { return norm(x[0], {1}, 3); }),
      reduction("cumsum", "cumsum(x, 1)", [](const Tensors& x) { return cumsum(x[0], 1); }),
      reduction("cumsum", "cumsum(x, -1)", [](const Tensors& x) { return cumsum(x[0], -1); }),
  };
}

std::vector<Row> extremes() {
  constexpr Values distinct = Values::distinct;
  return {
      reduction(
          "amax", "amax(x, {1})", [](const Tensors& x) { return amax(x[0], {1}); }, distinct),
      reduction(
          "amin", "amin(x, {0, 2})",
          [](const Tensors& x) {
            return amin(x[0], {0, 2});
          },
          distinct),
      reduction(
          "max", "max(x, 1).values", [](const Tensors& x) { return max(x[0], 1).values; },
          distinct),
      reduction(
          "min", "min(x, -1).values", [](const Tensors& x) { return min(x[0], -1).values; },
          distinct),
      reduction(
          "", "median(x, 1).values", [](const Tensors& x) { return median(x[0], 1).values; },
          distinct),
      reduction(
          "", "quantile(x, 0.4, 1)", [](const Tensors& x) { return quantile(x[0], 0.4, 1); },
          distinct),
      reduction(
          "", "quantile(x, 0.85)", [](const Tensors& x) { return quantile(x[0], 0.85); }, distinct),
  };
}

std::vector<Row> exponentials() {
  return {
      reduction("logsumexp", "logsumexp(x, {1})",
                [](const Tensors& x) { return logsumexp(x[0], {1}); }),
      reduction("logsumexp", "logsumexp(x, {0, 2})",
                [](const Tensors& x) {
                  return logsumexp(x[0], {0, 2});
                }),
      reduction("softmax", "softmax(x, 1)", [](const Tensors& x) { return softmax(x[0], 1); }),
      reduction("softmax", "softmax(x, -1)", [](const Tensors& x) { return softmax(x[0], -1); }),
      reduction("log_softmax", "log_softmax(x, 1)",
                [](const Tensors& x) { return log_softmax(x[0], 1); }),
      reduction("log_softmax", "log_softmax(x, -1)",
                [](const Tensors& x) { return log_softmax(x[0], -1); }),
  };
}

}  // namespace

std::vector<Row> reduction_rows() {
  std::vector<Row> list = sums();
  for (Row& row : extremes()) list.push_back(std::move(row));
  for (Row& row : exponentials()) list.push_back(std::move(row));
  return list;
}

}  // namespace gradus::op_table
