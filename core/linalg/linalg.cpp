// Linear algebra. A decomposition gives several tensors, an entry of the tape has one output: it is
// recorded as one packed tensor, [..., rows, k], of which the results are rows.
#include "linalg.h"

#include <limits>

#include "../op_support.h"
#include "lapack_kernel.h"

namespace gradus {

using namespace ops;

namespace {

/// Rows of a packed tensor, or of its gradient.
Tensor rows_of(const Tensor& packed, int64_t first, int64_t count) {
  return narrow(packed, -2, first, count);
}

Tensor flipped(const Tensor& x) {
  return transpose(x, -2, -1);
}

int64_t matrices_in(const Shape& shape) {
  return shape.part(0, shape.dim() - 2).numel();
}

void check_matrices(const char* op, const Tensor& a) {
  check_floating(op, a);
  require<ShapeError>(a.dim() >= 2, op, "reshape it", "expected a matrix or [...,m,n], got ",
                      a.shape());
  require(all_finite(a.detach()), op, "LAPACK expects finite numbers",
          "NaN or infinity in the input ", a.shape());
}

void check_square(const char* op, const Tensor& a) {
  require<ShapeError>(a.size(-2) == a.size(-1), op, "it has as many rows as columns",
                      "expected square matrices, got ", a.shape());
}

double magnitude(const Tensor& x) {
  return x.numel() == 0 ? 0 : max(abs(x)).item();
}

/// `places` are equal numbers, [..., k, k], or zeros, [..., 1, k]. Vectors that belong to them have
/// no gradient: throws if theirs, g, is not 0. `fix` says what to do.
void check_unique(const char* op, const char* what, const Tensor& places,
                  std::initializer_list<Tensor> gradients, const char* fix) {
  for (const Tensor& g : gradients) {
    const Tensor used = any(ne(g.detach(), 0), {-2, -1}, true);
    require(any(logical_and(places, used)).item() == 0, op, fix, what,
            ": their vectors are not unique, and have no gradient");
  }
}

/// What `values` [..., 1, k] of a matrix may be off by rounding.
Tensor rounding_of(const Tensor& values) {
  const double epsilon = values.dtype() == float32 ? std::numeric_limits<float>::epsilon()
                                                   : std::numeric_limits<double>::epsilon();
  const auto count = static_cast<double>(values.size(-1));
  return mul(amax(abs(values.detach()), {-1}, true), epsilon * count);
}

/// Which pairs of values are equal up to rounding, each of them to itself too.
Tensor equal_pairs(const Tensor& values) {
  return le(abs(sub(values.detach(), flipped(values.detach()))), rounding_of(values));
}

/// 1 / (values_j - values_i) [..., k, k], and 0 for equal ones.
Tensor inverse_differences(const Tensor& values, const Tensor& equal) {
  const Tensor d = masked_fill(sub(values, flipped(values)), equal, 1);
  return masked_fill(reciprocal(d), equal, 0);
}

/// The pairs but for those of a value with itself.
Tensor others(const Tensor& equal) {
  return logical_and(equal, logical_not(eye(equal.size(-1), {}, boolean)));
}

/// Diagonal matrices of `values` [..., 1, k].
Tensor diagonals(const Tensor& values) {
  return mul(eye(values.size(-1), {}, values.dtype()), values);
}

/// V (diag(g_values) + E * (V^T g_vectors)) V^T with E_ij = 1 / (values_j - values_i).
TensorList eigh_gradient(const TensorList& saved, const Tensor& g, const Wanted&) {
  const int64_t n = g.size(-1);
  const Tensor values = rows_of(saved[0], 0, 1), vectors = rows_of(saved[0], 1, n);
  if (n == 0) return {matmul(vectors, flipped(vectors))};
  const Tensor g_vectors = rows_of(g, 1, n), equal = equal_pairs(values);
  check_unique("eigh", "eigenvalues are equal up to rounding", others(equal), {g_vectors},
               "use the eigenvalues alone, or a matrix whose eigenvalues differ");
  const Tensor turned =
      mul(inverse_differences(values, equal), matmul(flipped(vectors), g_vectors));
  return {matmul(matmul(vectors, add(turned, diagonals(rows_of(g, 0, 1)))), flipped(vectors))};
}

/// Rows and columns of what svd() decomposes.
struct SvdSizes {
  int64_t m, n;
};

/// Townsend, "Differentiating the singular value decomposition", 2016.
TensorList svd_gradient(const TensorList& saved, const SvdSizes& sizes, const Tensor& g,
                        const Wanted&) {
  const int64_t m = sizes.m, n = sizes.n;
  const Tensor u = rows_of(saved[0], 0, m), s = rows_of(saved[0], m, 1);
  const Tensor v = rows_of(saved[0], m + 1, n);
  if (s.numel() == 0) return {matmul(u, flipped(v))};
  const Tensor gu = rows_of(g, 0, m), gs = rows_of(g, m, 1), gv = rows_of(g, m + 1, n);
  const Tensor equal = equal_pairs(s), squares = square(s);
  const char* fix =
      "use the singular values alone, or a matrix in which they differ from 0 and "
      "from each other";
  check_unique("svd", "singular values are equal up to rounding", others(equal), {gu, gv}, fix);
  const Tensor zero = le(s.detach(), rounding_of(s));
  check_unique("svd", "a singular value is 0 up to rounding", zero, {gu, gv}, fix);
  const Tensor inverse = masked_fill(reciprocal(masked_fill(s, zero, 1)), zero, 0);
  const auto turned = [&](const Tensor& x, const Tensor& gx) {
    const Tensor product = matmul(flipped(x), gx);
    return mul(inverse_differences(squares, equal), sub(product, flipped(product)));
  };
  // What is orthogonal to all columns of x.
  const auto outside = [&](const Tensor& x, const Tensor& gx) {
    return mul(sub(gx, matmul(x, matmul(flipped(x), gx))), inverse);
  };
  const Tensor inner =
      add(add(mul(turned(u, gu), s), diagonals(gs)), mul(flipped(s), turned(v, gv)));
  return {add(matmul(add(matmul(u, inner), outside(u, gu)), flipped(v)),
              matmul(u, flipped(outside(v, gv))))};
}

}  // namespace

Eigh eigh(const Tensor& a) {
  constexpr const char* op = "eigh";
  check_matrices(op, a);
  check_square(op, a);
  const double asymmetry = magnitude(sub(a.detach(), flipped(a.detach())));
  require(asymmetry <= 1e-3 * magnitude(a.detach()), op,
          "svd() takes any matrix; (A + A^T) / 2 is symmetric", "the matrix ", a.shape(),
          " is not symmetric: elements differ by up to ", asymmetry);
  const Tensor symmetric = contiguous(mul(add(a, flipped(a)), 0.5));
  const int64_t n = a.size(-1), count = matrices_in(a.shape());
  Shape shape = a.shape();
  ++shape[a.dim() - 2];
  Tensor packed = Tensor::empty(shape, a.dtype());
  if (packed.numel() > 0) {
    dispatch_floating(op, a.dtype(), [&]<class T>() {
      kernels::Lapack<T>::eigh(count, n, symmetric.data<T>(), packed.mutable_data<T>());
    });
  }
  packed = record(Op("eigh", 9.0 * static_cast<double>(count * n * n * n)), inputs(symmetric),
                  packed, saved(packed), [](auto&&... x) { return eigh_gradient(x...); });
  return {squeeze(rows_of(packed, 0, 1), -2), rows_of(packed, 1, n)};
}

Svd svd(const Tensor& matrix) {
  constexpr const char* op = "svd";
  check_matrices(op, matrix);
  const Tensor a = contiguous(matrix);
  const int64_t m = a.size(-2), n = a.size(-1), k = std::min(m, n), count = matrices_in(a.shape());
  Shape shape = a.shape();
  shape[a.dim() - 2] = m + 1 + n;
  shape[a.dim() - 1] = k;
  Tensor packed = Tensor::empty(shape, a.dtype());
  if (packed.numel() > 0) {
    dispatch_floating(op, a.dtype(), [&]<class T>() {
      kernels::Lapack<T>::svd(count, m, n, a.data<T>(), packed.mutable_data<T>());
    });
  }
  packed =
      record(Op("svd", static_cast<double>(count * k * k * (6 * (m + n - k) + 20 * k))), inputs(a),
             packed, saved(packed), SvdSizes{m, n}, [](auto&&... x) { return svd_gradient(x...); });
  return {rows_of(packed, 0, m), squeeze(rows_of(packed, m, 1), -2),
          flipped(rows_of(packed, m + 1, n))};
}

Tensor solve(const Tensor& matrix, const Tensor& side) {
  constexpr const char* op = "solve";
  check_matrices(op, matrix);
  check_square(op, matrix);
  check_same_dtype(op, matrix, side);
  const bool vector = side.dim() == matrix.dim() - 1;
  const Tensor a = contiguous(matrix), b = contiguous(vector ? unsqueeze(side, -1) : side);
  const int64_t n = a.size(-1), count = matrices_in(a.shape());
  require<ShapeError>(
      b.dim() == a.dim() && b.shape().part(0, b.dim() - 1) == a.shape().part(0, a.dim() - 1), op,
      "for [...,n,n] it is [...,n] or [...,n,k]", "a right side ", side.shape(),
      " does not go with the matrix ", matrix.shape());
  require(all_finite(b.detach()), op, "LAPACK expects finite numbers",
          "NaN or infinity in the right side ", side.shape());
  const int64_t k = b.size(-1);
  Tensor x = Tensor::empty(b.shape(), b.dtype());
  if (x.numel() > 0) {
    dispatch_floating(op, a.dtype(), [&]<class T>() {
      kernels::Lapack<T>::solve(count, n, k, a.data<T>(), b.data<T>(), x.mutable_data<T>());
    });
  }
  const auto cost = static_cast<double>(count * n * n) *
                    (2.0 / 3 * static_cast<double>(n) + 2.0 * static_cast<double>(k));
  x = record(Op("solve", cost), inputs(a, b), x, saved(a, x),
             [](const TensorList& s, const Tensor& g, const Wanted& wanted) -> TensorList {
               const Tensor gb = solve(flipped(s[0]), g);
               return {wanted[0] ? neg(matmul(gb, flipped(s[1]))) : Tensor(), gb};
             });
  return vector ? squeeze(x, -1) : x;
}

}  // namespace gradus
