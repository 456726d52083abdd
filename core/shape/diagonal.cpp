// Diagonals of matrices.
#include <algorithm>

#include "../op_support.h"

namespace gradus {

using namespace ops;

namespace {

/// A diagonal of matrices in two dimensions of a tensor: column - row = offset.
struct Diagonal {
  Shape shape;  // of the tensor that has it
  int row, column;
  int64_t offset;

  int64_t first_row() const { return std::max<int64_t>(-offset, 0); }
  int64_t first_column() const { return std::max<int64_t>(offset, 0); }
  int64_t length() const {
    const int64_t rows = shape[row] - first_row(), columns = shape[column] - first_column();
    return std::max<int64_t>(std::min(rows, columns), 0);
  }
  /// The diagonal of x, which has `shape`, as a view: its dimension comes last.
  Tensor view_of(const Tensor& x) const {
    Shape sizes;
    Strides strides;
    for (int d = 0; d < x.dim(); ++d) {
      if (d == row || d == column) continue;
      sizes.push_back(x.shape()[d]);
      strides.push_back(x.strides()[d]);
    }
    sizes.push_back(length());
    strides.push_back(x.strides()[row] + x.strides()[column]);
    const int64_t start = first_row() * x.strides()[row] + first_column() * x.strides()[column];
    return x.view(sizes, strides, length() > 0 ? start : 0);
  }
};

/// Offsets beyond any tensor's size, but far from overflow, say the same as larger ones.
int64_t within_reason(int64_t offset) {
  constexpr int64_t most = int64_t{1} << 46;
  return std::clamp(offset, -most, most);
}

Tensor take_diagonal(const Tensor& x, const Diagonal& d);

/// Zeros of d.shape with g on the diagonal: the transpose of take_diagonal.
Tensor put_diagonal(const Tensor& g, const Diagonal& d) {
  Tensor out = zeros(d.shape, g.dtype());
  d.view_of(out).copy_(g.detach());
  return record("diagonal_gradient", inputs(g), out, saved(), d,
                [](auto&, auto& back, auto& u) { return take_diagonal(u, back); });
}

Tensor take_diagonal(const Tensor& x, const Diagonal& d) {
  return record(Op("diagonal", 0), inputs(x), d.view_of(x), saved(), d,
                [](auto&, auto& back, auto& g) { return put_diagonal(g, back); });
}

}  // namespace

Tensor diagonal(const Tensor& x, int64_t offset, int64_t dim1, int64_t dim2) {
  require<ShapeError>(x.dim() >= 2, "diagonal", "diag() makes a matrix of a vector",
                      "expected at least two dimensions, got ", x.shape());
  const int row = normalize_dim("diagonal", dim1, x.shape());
  const int column = normalize_dim("diagonal", dim2, x.shape());
  require<IndexError>(row != column, "diagonal", "name two different ones", "dimensions ", dim1,
                      " and ", dim2, " of ", x.shape(), " are one");
  return take_diagonal(x, {x.shape(), row, column, within_reason(offset)});
}

Tensor diag(const Tensor& x, int64_t offset) {
  if (x.dim() == 2) return diagonal(x, offset);
  require<ShapeError>(x.dim() == 1, "diag", "diagonal() takes batches of matrices",
                      "expected a vector or a matrix, got ", x.shape());
  const int64_t away = within_reason(offset);
  const int64_t n = x.numel() + (away < 0 ? -away : away);
  return put_diagonal(x, {{n, n}, 0, 1, away});
}

Tensor trace(const Tensor& x) {
  const Tape::Span span("trace");
  check_dim("trace", "a matrix", x, 2, "[rows,columns]");
  return sum(diagonal(x));
}

}  // namespace gradus
