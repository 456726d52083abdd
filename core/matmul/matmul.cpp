// Matrix products.
#include <algorithm>

#include "../base/parallel_for.h"
#include "../op_support.h"
#include "gemm_kernel.h"

namespace gradus {

using namespace ops;

namespace {

/// A matrix in memory as gemm takes it.
struct MatrixLayout {
  bool transposed;
  int64_t ld;
};

/// How gemm reads the matrices in the last two dimensions of x, if it can without a copy: as they
/// are, or transposed. Of an empty tensor nothing is read, whatever its strides.
std::optional<MatrixLayout> gemm_layout(const Tensor& x) {
  const int row = x.dim() - 2, column = x.dim() - 1;
  const int64_t rows = x.shape()[row], columns = x.shape()[column];
  const int64_t row_step = x.strides()[row], column_step = x.strides()[column];
  if (x.numel() == 0) return MatrixLayout{false, std::max<int64_t>(columns, 1)};
  const auto fits = [](int64_t count, int64_t step, int64_t run) {
    return count <= 1 || step >= std::max<int64_t>(run, 1);
  };
  const auto distance = [](int64_t count, int64_t step, int64_t run) {
    return count <= 1 ? std::max<int64_t>(run, 1) : step;
  };
  if ((columns <= 1 || column_step == 1) && fits(rows, row_step, columns)) {
    return MatrixLayout{false, distance(rows, row_step, columns)};
  }
  if ((rows <= 1 || row_step == 1) && fits(columns, column_step, rows)) {
    return MatrixLayout{true, distance(columns, column_step, rows)};
  }
  return std::nullopt;
}

Tensor readable_by_gemm(const Tensor& x) {
  return gemm_layout(x) ? x : contiguous(x);
}

/// Sizes of one product [m, k] x [k, n].
struct ProductSizes {
  int64_t m, n, k, batch;
  double flops() const {
    return 2.0 * static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(k) *
           static_cast<double>(batch);
  }
};

/// Element offset of matrix number `index` in the batch dimensions of x.
int64_t batch_offset(const Tensor& x, int64_t index) {
  int64_t offset = 0;
  for (int d = x.dim() - 3; d >= 0; --d) {
    offset += index % x.shape()[d] * x.strides()[d];
    index /= x.shape()[d];
  }
  return offset;
}

/// out = a b + beta out, matrix by matrix; out is contiguous, a and b are readable by gemm.
void multiply(const ProductSizes& s, const Tensor& a, const Tensor& b, double beta, Tensor& out) {
  const MatrixLayout la = *gemm_layout(a), lb = *gemm_layout(b);
  dispatch_floating("matmul", a.dtype(), [&]<class T>() {
    const T *from_a = a.data<T>(), *from_b = b.data<T>();
    T* const to = out.mutable_data<T>();
    using Product = kernels::MatrixProduct<T>;
    const auto number = [&](int64_t i) {
      return Product({la.transposed, lb.transposed, s.m, s.n, s.k, from_a + batch_offset(a, i),
                      la.ld, from_b + batch_offset(b, i), lb.ld, static_cast<T>(beta),
                      to + i * s.m * s.n, s.n});
    };
    if (s.batch == 1) return kernels::gemm_in_bands(number(0));
    constexpr double flops_per_piece = 1e6;
    const double each = std::max(1.0, ProductSizes{s.m, s.n, s.k, 1}.flops());
    parallel_each(s.batch, static_cast<int64_t>(flops_per_piece / each),
                  [&](int64_t i) { kernels::gemm(number(i)); });
  });
}

/// The product of matrices [..., m, k] and [..., k, n] with equal batch dimensions: the operation
/// that every product here ends in, and that its own rule is made of.
Tensor product(const Tensor& a_in, const Tensor& b_in) {
  const Tensor a = readable_by_gemm(a_in), b = readable_by_gemm(b_in);
  Shape shape = a.shape();
  shape[shape.dim() - 1] = b.shape().back();
  const ProductSizes s{a.size(-2), b.size(-1), a.size(-1), shape.part(0, a.dim() - 2).numel()};
  Tensor out = Tensor::empty(shape, a.dtype());
  multiply(s, a, b, 0, out);
  return record(Op("matmul", s.flops()), inputs(a, b), out, saved(a, b),
                [](auto& t, auto& g, auto& wanted) -> TensorList {
                  return {wanted[0] ? product(g, transpose(t[1], -2, -1)) : Tensor(),
                          wanted[1] ? product(transpose(t[0], -2, -1), g) : Tensor()};
                });
}

Shape batch_shape(const Tensor& x) {
  return Shape(std::span<const int64_t>(x.shape()).first(static_cast<size_t>(x.dim() - 2)));
}

Shape common_batch(const Tensor& a, const Tensor& b) {
  try {
    return broadcast_shapes("matmul", batch_shape(a), batch_shape(b));
  } catch (const ShapeError& error) {
    throw ShapeError(
        "matmul", str(a.shape(), " times ", b.shape(), ": without the matrices, ", error.detail()),
        error.hint());
  }
}

Tensor with_batch(const Tensor& x, const Shape& batch) {
  Shape shape = batch;
  shape.push_back(x.size(-2));
  shape.push_back(x.size(-1));
  return expand(x, shape);
}

/// Both have at least two dimensions.
Tensor multiply_matrices(const Tensor& a, const Tensor& b) {
  if (b.dim() == 2 && a.dim() > 2) {  // the same matrix for all: one tall product
    Shape shape = a.shape();
    shape[shape.dim() - 1] = b.size(1);
    return reshape(product(flatten(a, 0, -2), b), shape);
  }
  const Shape batch = common_batch(a, b);
  return product(with_batch(a, batch), with_batch(b, batch));
}

void check_matmul(const Tensor& a, const Tensor& b) {
  check_same_dtype("matmul", a, b);
  check_floating("matmul", a);
  require<ShapeError>(a.dim() > 0 && b.dim() > 0, "matmul", "multiply by a number with mul()",
                      "needs at least one dimension on both sides, got ", a.shape(), " times ",
                      b.shape());
  const int64_t terms = a.size(-1), rows = b.size(b.dim() == 1 ? 0 : -2);
  require<ShapeError>(terms == rows, "matmul",
                      "the last size of the first must be the last but one of the second",
                      "inner sizes differ: ", a.shape(), " times ", b.shape(), " pairs ", terms,
                      " columns with ", rows, " rows");
}

}  // namespace

Tensor matmul(const Tensor& a, const Tensor& b) {
  check_matmul(a, b);
  Tensor y =
      multiply_matrices(a.dim() == 1 ? unsqueeze(a, 0) : a, b.dim() == 1 ? unsqueeze(b, 1) : b);
  if (b.dim() == 1) y = squeeze(y, -1);
  return a.dim() == 1 ? squeeze(y, b.dim() == 1 ? -1 : -2) : y;
}

Tensor dot(const Tensor& a, const Tensor& b) {
  check_dim("dot", "a vector", a, 1, "[n]");
  check_dim("dot", "a vector", b, 1, "[n]");
  return matmul(a, b);
}

Tensor outer(const Tensor& a, const Tensor& b) {
  const Tape::Span span("outer");
  check_dim("outer", "a vector", a, 1, "[n]");
  check_dim("outer", "a vector", b, 1, "[m]");
  return mul(unsqueeze(a, 1), unsqueeze(b, 0));
}

Tensor bmm(const Tensor& a, const Tensor& b) {
  check_dim("bmm", "matrices", a, 3, "[batch,n,k]");
  check_dim("bmm", "matrices", b, 3, "[batch,k,m]");
  require<ShapeError>(a.size(0) == b.size(0), "bmm", "matmul() broadcasts them",
                      "the batches differ: ", a.shape(), " times ", b.shape());
  return matmul(a, b);
}

namespace {

void check_linear(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  check_floating("linear", x);
  check_same_dtype("linear", x, weight);
  check_dim("linear", "a weight", weight, 2, "[out,in]");
  require<ShapeError>(x.dim() > 0 && x.size(-1) == weight.size(1), "linear",
                      "the last size of the input must be the last size of the weight", "expected ",
                      weight.size(1), " input features, got input ", x.shape(), " for weight ",
                      weight.shape());
  if (!bias.defined()) return;
  check_same_dtype("linear", x, bias);
  require<ShapeError>(bias.shape() == Shape{weight.size(0)}, "linear",
                      "the bias has one element per output feature", "expected a bias [",
                      weight.size(0), "], got ", bias.shape(), " for weight ", weight.shape());
}

/// x [rows, in] times weight [out, in] transposed, plus bias: one product that starts from the
/// bias.
Tensor linear_rows(const Tensor& x_in, const Tensor& weight_in, const Tensor& bias) {
  const Tensor x = readable_by_gemm(x_in), weight = readable_by_gemm(weight_in);
  const ProductSizes s{x.size(0), weight.size(0), x.size(1), 1};
  Tensor out = Tensor::empty({s.m, s.n}, x.dtype());
  if (bias.defined()) out.copy_(bias);
  multiply(s, x, weight.detach().view({s.k, s.n}, {weight.strides()[1], weight.strides()[0]}),
           bias.defined() ? 1 : 0, out);
  return record(Op("linear", s.flops()), inputs(x, weight, bias), out, saved(x, weight),
                [](auto& t, auto& g, auto& wanted) -> TensorList {
                  return {wanted[0] ? matmul(g, t[1]) : Tensor(),
                          wanted[1] ? product(transpose(g, 0, 1), t[0]) : Tensor(),
                          wanted[2] ? sum(g, {0}) : Tensor()};
                });
}

}  // namespace

Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  check_linear(x, weight, bias);
  if (x.dim() == 2) return linear_rows(x, weight, bias);
  Shape shape = x.shape();
  shape[shape.dim() - 1] = weight.size(0);
  const Tensor rows = x.dim() == 1 ? unsqueeze(x, 0) : flatten(x, 0, -2);
  return reshape(linear_rows(rows, weight, bias), shape);
}

}  // namespace gradus
