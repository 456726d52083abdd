// Linear algebra. A ramp on the diagonal keeps eigenvalues and singular values apart, whatever the
// input: where they meet, vectors have no derivative.
#include "../../core/ops.h"
#include "op_table.h"

namespace gradus::op_table {
namespace {

/// x [..., m, n] with 4, 8, 12 ... added to its diagonal.
Tensor spread(const Tensor& x) {
  const Tensor ramp = mul(add(arange(x.size(-1)), 1).to(x.dtype()), 4);
  return add(x, mul(eye(x.size(-2), x.size(-1), x.dtype()), ramp));
}

Tensor symmetric(const Tensor& x) {
  return spread(add(x, transpose(x, -2, -1)));
}

Row linalg(const char* op, const char* form, const Shape& shape, const Shape& large,
           Tensor (*call)(const Tensors&)) {
  return {.op = op,
          .form = form,
          .inputs = {{.shape = shape, .large = large, .values = Values::unit}},
          .call = call,
          .float32_tolerance = 3e-5};
}

}  // namespace

std::vector<Row> linalg_rows() {
  const auto solve_both = [](const Tensors& x) { return solve(spread(x[0]), x[1]); };
  return {
      linalg("eigh", "eigh(a).values", {3, 3}, {8, 8},
             [](const Tensors& x) { return eigh(symmetric(x[0])).values; }),
      linalg("eigh", "eigh(a[2,3,3]).vectors", {2, 3, 3}, {6, 5, 5},
             [](const Tensors& x) { return eigh(symmetric(x[0])).vectors; }),
      linalg("svd", "svd(a[4,3]).u", {4, 3}, {8, 5},
             [](const Tensors& x) { return svd(spread(x[0])).u; }),
      linalg("svd", "svd(a).s", {3, 3}, {8, 8},
             [](const Tensors& x) { return svd(spread(x[0])).s; }),
      linalg("svd", "svd(a[2,3,4]).vh", {2, 3, 4}, {6, 4, 6},
             [](const Tensors& x) { return svd(spread(x[0])).vh; }),
      {.op = "solve",
       .form = "solve(a, b[3])",
       .inputs = {{.shape = {3, 3}, .large = {9, 9}}, {.shape = {3}, .large = {9}}},
       .call = solve_both,
       .float32_tolerance = 3e-5},
      {.op = "solve",
       .form = "solve(a[2,3,3], b[2,3,2])",
       .inputs = {{.shape = {2, 3, 3}, .large = {6, 9, 9}},
                  {.shape = {2, 3, 2}, .large = {6, 9, 4}}},
       .call = solve_both,
       .float32_tolerance = 3e-5},
  };
}

}  // namespace gradus::op_table
