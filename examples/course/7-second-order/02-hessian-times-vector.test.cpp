#include COURSE_FILE

namespace {

/// sum(a w^3) + sum(w)^2 / 2: the Hessian is 6 diag(a w) + a matrix of ones.
struct Cubes {
  Tensor w, a;
  explicit Cubes(DType type) {
    manual_seed(3);
    w = randn({2, 3}, type).requires_grad_();
    a = randn({2, 3}, type);
  }
  Tensor loss() const { return sum(a * w * w * w) + square(sum(w)) * 0.5; }
  Tensor gradient() const { return 3.0 * a * square(w.detach()) + sum(w.detach()); }
  Tensor times(const Tensor& v) const { return 6.0 * a * w.detach() * v + sum(v); }
};

Tensor call(const Tensor& loss, const Tensor& w, const Tensor& v) {
  try {
    return hessian_times(loss, w, v);
  } catch (const TapeError& error) {
    course::fail("The second differentiation found nothing to differentiate; the library says:\n" +
                     std::string(error.what()),
                 "The first gradient was not recorded: {.create_graph = true}.");
  }
}

void check_product(DType type) {
  const Cubes c(type);
  const Tensor v = randn({2, 3}, type);
  const Tape tape;
  const Tensor found = call(c.loss(), c.w, v);
  const NoGrad pause;
  course::check(!c.w.grad().defined(), "w.grad() is set: the backward pass of the tape was used.",
                "grad() returns a gradient and writes into no leaf.");
  if (course::is_same(found, c.times(ones_like(v))))
    course::fail("The result does not depend on v: it is the sum of the rows of H.",
                 "It is the gradient of sum(g), that is, H times a vector of ones. Sum g * v.");
  if (course::is_same(found, c.times(ones_like(v)) * v))
    course::fail(
        "The result is v times the sum of the rows of H, element by element.",
        "v came too late: H v is the gradient of sum(g * v), not the gradient of sum(g), times v.");
  if (course::is_same(found, c.times(c.gradient()) * 2.0))
    course::fail("The result is 2 H g, the gradient of |g|^2.",
                 "The product is that of g with v, not with itself.");
  if (course::is_same(found, c.gradient()) || course::is_same(found, c.gradient() * v))
    course::fail("The result has the gradient in it, not the Hessian.",
                 "Differentiate a second time: the thing to differentiate is sum(g * v).");
  course::same("H v", found, c.times(v), "The gradient of sum(g * v) with respect to w.",
               type == float32 ? 1e-4 : 1e-10);
}

/// v = w: a direction that depends on w, as in a step of gradient descent or power iteration.
void check_constant_direction() {
  const Cubes c(float64);
  const Tape tape;
  const Tensor found = call(c.loss(), c.w, c.w);
  const NoGrad pause;
  if (course::is_same(found, c.times(c.w.detach()) + c.gradient()))
    course::fail("With v = w the result is H w + g: there is a g too much.",
                 "v was differentiated as well. In H v it is a constant: v.detach().");
  course::same("H v with v = w", found, c.times(c.w.detach()),
               "v is on the tape; is it treated as a constant?");
}

void check_a_net() {
  manual_seed(5);
  const Tensor w = randn({4, 3}, float64).requires_grad_(), v = randn({4, 3}, float64);
  const Tensor x = randn({6, 4}, float64);
  const auto loss = [&](const Tensor& at) { return mean(square(tanh(matmul(x, at)))); };
  const Tensor expected = hvp(loss, w, v);
  const Tape tape;
  course::same("H v of a layer with tanh", call(loss(w), w, v), expected,
               "It is right for a polynomial and not here: was something detached?");
}

}  // namespace

int main() {
  return course::run([] {
    check_product(float64);
    check_product(float32);
    check_constant_direction();
    check_a_net();
  });
}
