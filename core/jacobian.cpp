#include "jacobian.h"

#include "base/error.h"
#include "grad.h"
#include "ops.h"

namespace gradus {

namespace {

using Tensors = std::vector<Tensor>;

bool is_leaf(const Tensor& x) {
  return x.requires_grad() && x.tape_slot().tape == 0;
}

void check_like(const char* op, const Tensor& v, const Tensor& like, const char* what) {
  require<ShapeError>(v.shape() == like.shape(), op, str("v has the shape of ", what), "v is ",
                      v.shape(), ", ", what, " is ", like.shape());
  require<DTypeError>(v.dtype() == like.dtype(), op, "convert it with .to(dtype)", "v is ",
                      v.dtype(), ", ", what, " is ", like.dtype());
}

void check_like(const char* op, const Tensors& vs, const Tensors& xs) {
  require<ShapeError>(vs.size() == xs.size(), op, "each x has its v", "expected ", xs.size(),
                      " directions, got ", vs.size());
  for (size_t i = 0; i < xs.size(); ++i) check_like(op, vs[i], xs[i], "x");
}

void check_scalar(const char* op, const Tensor& y) {
  require<ShapeError>(y.numel() == 1, op, "reduce it (sum, mean), or differentiate jacobian()",
                      "expected a function with one element, got ", y.shape());
}

/// Sum of the vector-Jacobian products of ys; 0 if there is no dependence. Keeps what the tape
/// saved.
detail::List<Tensor> products(const Tensors& ys, const Tensors& vs, const Tensors& xs,
                              bool create_graph = false) {
  Tensors from, weights;
  for (size_t i = 0; i < ys.size(); ++i) {
    if (!ys[i].requires_grad()) continue;  // a constant
    from.push_back(ys[i]);
    weights.push_back(vs[i]);
  }
  detail::List<Tensor> found(xs.size());
  if (!from.empty()) {
    found = grad(from, weights, xs,
                 {.retain = true, .create_graph = create_graph, .allow_unused = true});
  }
  for (size_t i = 0; i < xs.size(); ++i) {
    if (!found[i].defined()) found[i] = zeros(xs[i].shape(), xs[i].dtype());
  }
  return found;
}

/// A function at a point, on a tape of its own.
struct Recorded {
  Tape tape;
  Tensors xs;
  Tensor y;

  Recorded(const TensorFunction& f, const Tensors& given) : xs(given) {
    for (Tensor& x : xs) {
      if (!is_leaf(x)) x = x.detach().requires_grad_();
    }
    y = f(xs);
  }

  /// The gradient, to be differentiated again.
  Tensors gradient(const char* op) const {
    check_scalar(op, y);
    return products({y}, {ones(y.shape(), y.dtype())}, xs, true);
  }
};

TensorFunction of_list(const UnaryTensorFunction& f) {
  return [&f](const Tensors& xs) { return f(xs[0]); };
}

/// The Jacobians of y, which is on the current tape: a backward pass for each of its elements.
detail::List<Tensor> rows(const char* op, const Tensor& y, const Tensors& xs) {
  const int64_t n = y.numel();
  detail::List<Tensor> jacobians;
  for (const Tensor& x : xs) {
    require<ShapeError>(y.dim() + x.dim() <= Shape::max_dims, op,
                        "flatten x or the result of the function", "the derivatives of ", y.shape(),
                        " with respect to ", x.shape(), " have more than ", Shape::max_dims,
                        " dimensions");
    jacobians.push_back(zeros({n, x.numel()}, x.dtype()));
  }
  Tensor v = zeros({n}, y.dtype());
  for (int64_t i = 0; y.requires_grad() && i < n; ++i) {
    v[i].fill_(1);
    const Tensors row = products({y}, {reshape(v, y.shape())}, xs);
    v[i].fill_(0);
    for (size_t k = 0; k < xs.size(); ++k) jacobians[k][i].copy_(flatten(row[k]));
  }
  for (size_t k = 0; k < xs.size(); ++k) {
    Shape shape = y.shape();
    for (int64_t size : xs[k].shape()) shape.push_back(size);
    jacobians[k] = reshape(jacobians[k], shape);
  }
  return jacobians;
}

}  // namespace

detail::List<Tensor> vjp(const TensorFunction& f, const Tensors& xs, const Tensor& v) {
  const Recorded at(f, xs);
  check_like("vjp", v, at.y, "f(x)");
  return products({at.y}, {v.detach()}, at.xs);
}

Tensor jvp(const TensorFunction& f, const Tensors& xs, const Tensors& vs) {
  check_like("jvp", vs, xs);
  const Recorded at(f, xs);
  const Tensor u = ones(at.y.shape(), at.y.dtype()).requires_grad_();
  return products(products({at.y}, {u}, at.xs, true), vs, {u})[0];
}

detail::List<Tensor> jacobian(const TensorFunction& f, const Tensors& xs) {
  const Recorded at(f, xs);
  return rows("jacobian", at.y, at.xs);
}

detail::List<Tensor> hvp(const TensorFunction& f, const Tensors& xs, const Tensors& vs) {
  check_like("hvp", vs, xs);
  const Recorded at(f, xs);
  return products(at.gradient("hvp"), vs, at.xs);
}

std::vector<detail::List<Tensor>> hessian(const TensorFunction& f, const Tensors& xs) {
  const Recorded at(f, xs);
  std::vector<detail::List<Tensor>> blocks;
  for (const Tensor& g : at.gradient("hessian")) blocks.push_back(rows("hessian", g, at.xs));
  return blocks;
}

Tensor vjp(const UnaryTensorFunction& f, const Tensor& x, const Tensor& v) {
  return vjp(of_list(f), Tensors{x}, v)[0];
}
Tensor jvp(const UnaryTensorFunction& f, const Tensor& x, const Tensor& v) {
  return jvp(of_list(f), Tensors{x}, Tensors{v});
}
Tensor jacobian(const UnaryTensorFunction& f, const Tensor& x) {
  return jacobian(of_list(f), Tensors{x})[0];
}
Tensor hvp(const UnaryTensorFunction& f, const Tensor& x, const Tensor& v) {
  return hvp(of_list(f), Tensors{x}, Tensors{v})[0];
}
Tensor hessian(const UnaryTensorFunction& f, const Tensor& x) {
  return hessian(of_list(f), Tensors{x})[0][0];
}

detail::List<Tensor> per_sample_grads(
    const std::function<Tensor(const Tensor& x, const Tensor& target)>& loss,
    const Tensors& parameters, const Tensor& x, const Tensor& targets) {
  constexpr const char* op = "per_sample_grads";
  require<ShapeError>(x.dim() > 0 && targets.dim() > 0 && x.size(0) == targets.size(0), op,
                      "the first dimension is the batch", "x ", x.shape(), " and targets ",
                      targets.shape(), " are not of as many samples");
  detail::List<Tensor> gradients;
  for (size_t k = 0; k < parameters.size(); ++k) {
    require(is_leaf(parameters[k]), op, "call requires_grad_() on it", "parameter number ", k,
            " of shape ", parameters[k].shape(), " is not a leaf that requires a gradient");
    Shape shape = parameters[k].shape();
    shape.insert(0, x.size(0));
    gradients.push_back(zeros(shape, parameters[k].dtype()));
  }
  for (int64_t i = 0; i < x.size(0); ++i) {
    const Tape tape;
    const Tensor y = loss(narrow(x.detach(), 0, i, 1), narrow(targets.detach(), 0, i, 1));
    check_scalar(op, y);
    const Tensors own = products({y}, {ones(y.shape(), y.dtype())}, parameters);
    for (size_t k = 0; k < own.size(); ++k) gradients[k][i].copy_(own[k]);
  }
  return gradients;
}

Tensor dot(const Tensors& xs, const Tensors& ys) {
  require<ShapeError>(xs.size() == ys.size(), "dot", "both lists are of the same shapes",
                      "the lists have ", xs.size(), " and ", ys.size(), " tensors");
  Tensor total = zeros({}, float64);
  for (size_t i = 0; i < xs.size(); ++i) {
    require<ShapeError>(xs[i].shape() == ys[i].shape(), "dot", "both lists are of the same shapes",
                        "tensors number ", i, " are ", xs[i].shape(), " and ", ys[i].shape());
    total = add(total, sum(mul(to(xs[i], float64), to(ys[i], float64))));
  }
  return total;
}

Tensor norm(const Tensors& xs) {
  Tensors lengths = {zeros({}, float64)};
  for (const Tensor& x : xs) lengths.push_back(norm(to(x, float64)));
  return norm(stack(lengths));
}

}  // namespace gradus
