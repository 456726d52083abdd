// Operations along one dimension: products, running sums, and extremes with their places.
#include "scan_kernel.h"

#include "../op.h"

namespace gradus {

using namespace ops;

namespace {

/// Distance between neighbours of a (normalized) dimension; 0-d tensors have none.
int64_t step_of(const Tensor& x, int dim) {
  return x.dim() > 0 ? x.strides()[dim] : 0;
}

Shape with_size_one(const Shape& shape, int dim) {
  Shape result = shape;
  if (dim < shape.dim()) result[dim] = 1;
  return result;
}

Shape without_dim(const Shape& shape, int dim) {
  Shape result = shape;
  if (dim < shape.dim()) result.erase(dim);
  return result;
}

}  // namespace

// --- Products ---

Tensor prod(const Tensor& input, int64_t dim, bool keepdim) {
  // A tree of products of halves: its derivative is right where elements are zero, to any order.
  const Tensor x = widened(input);
  const int d = normalize_dim("prod", dim, x.shape());
  Tensor y = x, odd;
  for (int64_t n = y.size(d); n > 1; n /= 2) {
    if (n % 2 == 1) {
      const Tensor last = narrow(y, d, n - 1, 1);
      odd = odd.defined() ? mul(odd, last) : last;
    }
    y = mul(narrow(y, d, 0, n / 2), narrow(y, d, n / 2, n / 2));
  }
  if (y.size(d) == 0) y = ones(with_size_one(x.shape(), d), x.dtype());
  if (odd.defined()) y = mul(y, odd);
  if (x.size(d) == 1) y = clone(x);
  return keepdim ? y : reshape(y, without_dim(y.shape(), d));
}

Tensor prod(const Tensor& x) {
  return prod(flatten(x), 0);
}

// --- Running sums ---

namespace {

struct Running {
  int dim;
  bool reverse;
};

Tensor running_sum(const Tensor& x, Running r) {
  Tensor out = Tensor::empty(x.shape(), x.dtype());
  const Shape others = with_size_one(x.shape(), r.dim);
  const auto loop = kernels::make_loop<2>(others.dim(), others.begin(),
                                          {out.strides().begin(), x.strides().begin()});
  dispatch_number("cumsum", x.dtype(), [&]<class T>() {
    kernels::cumsum(r.reverse, loop, x.size(r.dim), step_of(out, r.dim), step_of(x, r.dim),
                    out.mutable_data<T>(), x.data<T>());
  });
  return record("cumsum", inputs(x), out, saved(), r,
                [](const TensorList&, Running s, const Tensor& g, const Wanted&) -> TensorList {
                  return {running_sum(g, {s.dim, !s.reverse})};
                });
}

}  // namespace

Tensor cumsum(const Tensor& x, int64_t dim) {
  return running_sum(widened(x), {normalize_dim("cumsum", dim, x.shape()), false});
}

// --- Extremes and their places ---

namespace {

enum class Extreme { max, min };

/// Places along dimension d, which stays with size 1. No gradient.
Tensor places(const char* op, Extreme which, const Tensor& x, int d) {
  if (x.size(d) == 0) {
    throw ShapeError(
        op, str("no element to choose from: dimension ", d, " of ", x.shape(), " is empty"),
        "go along a dimension that is not empty");
  }
  Tensor out = Tensor::empty(with_size_one(x.shape(), d), int64);
  dispatch_number(op, x.dtype(), [&]<class T>() {
    kernels::arg_extreme(which == Extreme::max, loop_over(out, x), x.size(d), step_of(x, d),
                         out.mutable_data<int64_t>(), x.data<T>());
  });
  return out;
}

struct Along {
  Shape shape;
  int dim;
};

ValuesIndices extreme(const char* op, Extreme which, const Tensor& x, int64_t dim, bool keepdim) {
  const int d = normalize_dim(op, dim, x.shape());
  const Tensor index = places(op, which, x, d);
  const Tensor values =
      record(Op(which == Extreme::max ? "max" : "min", static_cast<double>(x.numel())), inputs(x),
             gather(x.detach(), d, index), saved(index), Along{x.shape(), d},
             [](const TensorList& s, const Along& a, const Tensor& g, const Wanted&) -> TensorList {
               return {scatter_add(a.shape, a.dim, s[0], g)};
             });
  if (keepdim) return {values, index};
  const Shape shape = without_dim(index.shape(), d);
  return {reshape(values, shape), reshape(index, shape)};
}

Tensor arg_extreme(const char* op, Extreme which, const Tensor& x, std::optional<int64_t> dim,
                   bool keepdim) {
  if (!dim) {
    const Tensor index = places(op, which, flatten(x.detach()), 0);
    return reshape(index, keepdim ? Shape::filled(x.dim(), 1) : Shape());
  }
  const int d = normalize_dim(op, *dim, x.shape());
  const Tensor index = places(op, which, x, d);
  return keepdim ? index : reshape(index, without_dim(index.shape(), d));
}

}  // namespace

ValuesIndices max(const Tensor& x, int64_t dim, bool keepdim) {
  return extreme("max", Extreme::max, x, dim, keepdim);
}
ValuesIndices min(const Tensor& x, int64_t dim, bool keepdim) {
  return extreme("min", Extreme::min, x, dim, keepdim);
}
Tensor argmax(const Tensor& x, std::optional<int64_t> dim, bool keepdim) {
  return arg_extreme("argmax", Extreme::max, x, dim, keepdim);
}
Tensor argmin(const Tensor& x, std::optional<int64_t> dim, bool keepdim) {
  return arg_extreme("argmin", Extreme::min, x, dim, keepdim);
}

}  // namespace gradus
