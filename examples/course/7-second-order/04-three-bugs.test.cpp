#include COURSE_FILE

namespace {

constexpr double eps = 0.1;

void check_linear() {
  manual_seed(1);
  const Tensor x = randn({5, 4}, float64).requires_grad_(),
               w = randn({4, 4}, float64).requires_grad_();
  const TensorFunction f = [](const std::vector<Tensor>& in) { return my_linear(in[0], in[1]); };
  course::same("the output of my_linear", my_linear(x, w).detach(), linear(x, w).detach(),
               "It was right: y = x W^T. The bug is in the rule.");
  const Tensor g = randn({5, 4}, float64);
  const Tape tape;
  const auto found = grad(my_linear(x, w), {x, w}, {.gradient = g});
  const auto right = grad(linear(x, w), {x, w}, {.gradient = g});
  course::same("the dW of my_linear", found[1], right[1],
               "It was right: g^T x, in the shape of W. The bug is elsewhere.");
  if (course::is_same(found[0], matmul(g, w.detach().T())))
    course::fail(
        "In my_linear a matrix is transposed that should not be: " + gradcheck(f, {x, w}).message,
        "gradcheck finds this. With a square W the shapes fit either way, so no error is thrown: "
        "test with sizes that all differ.");
  course::same("the dx of my_linear", found[0], right[0], "dx = g W.");
}

void check_rms() {
  const Tensor x = tensor({0.01, -0.02, 0.03, -0.04, 1.0, 2.0, 3.0, 5.0}, {2, 4});
  const Tensor found = my_rms(x, eps), root = sqrt(mean(square(x), {1}, true));
  const Tensor right = sqrt(square(root) + eps);
  if (course::is_same(found, x / (root + eps)))
    course::fail(
        str("In my_rms eps stands outside the root: the row of small numbers is divided by ",
            (root + eps)[0][0].item(), ", not by ", right[0][0].item(), "."),
        "Only a comparison with the definition, or with another implementation, finds this: the "
        "function is "
        "as smooth as the right one, and gradcheck accepts its derivative. Take inputs whose mean "
        "square is "
        "near eps.");
  course::same("the output of my_rms", found, x / right,
               "x / sqrt(mean(x^2) + eps), the mean over the row.");
}

void check_forward() {
  manual_seed(4);
  const Tensor x = randn({4, 3}, float64), centred = x - mean(x, {0}, true);
  const Tensor found = my_normalize(x, eps);
  if (course::is_same(found, centred * rsqrt(var(x, {0}, 1, true) + eps)))
    course::fail("The forward pass now divides the variance by N - 1.",
                 "To agree with the rule, the other side was changed: but the definition has 1/N.");
  course::same("the output of my_normalize", found, centred * rsqrt(var(x, {0}, 0, true) + eps),
               "It was right: rsqrt(v + eps), with 1/N in v. The bug is in the rule.");
}

void check_normalize(DType type, int64_t rows) {
  manual_seed(2);
  const Tensor x = randn({rows, 3}, type).requires_grad_(), g = randn({rows, 3}, type);
  const Tape tape;
  const Tensor found = grad(my_normalize(x, eps), {x}, {.gradient = g})[0];
  const Tensor right = grad(batch_norm_train(x, {}, {}, eps).y, {x}, {.gradient = g})[0];
  const NoGrad pause;
  const Tensor at = x.detach(), centred = at - mean(at, {0}, true),
               r = rsqrt(var(at, {0}, 0, true) + eps);
  const Tensor x_hat = centred * r,
               mixed = sum(g * x_hat, {0}, true) / static_cast<double>(rows - 1);
  if (course::is_same(found, r * (g - mean(g, {0}, true) - x_hat * mixed)))
    course::fail(
        str("The rule divides by N - 1, the forward pass by N: with N = ", rows,
            " the gradient is off by ", 100 * (norm(found - right) / norm(right)).item(), " %."),
        "gradcheck finds this if the batch is small and the tolerance is that of float64: the "
        "error "
        "shrinks like 1/N. The mean in the rule is over as many elements as that of the variance.");
  if (course::is_same(found, r * (g - mean(g, {0}, true))))
    course::fail("The last term is gone: that is the gradient for a constant variance.",
                 "x_hat mean(g x_hat) belongs there.");
  course::same("the dx of my_normalize", found, right, "Compare it with the formula.",
               type == float32 ? 1e-4 : 1e-9);
}

}  // namespace

int main() {
  return course::run([] {
    check_linear();
    check_rms();
    check_forward();
    check_normalize(float64, 4);
    check_normalize(float32, 6);
    manual_seed(3);
    const Tensor x = randn({4, 3}, float64).requires_grad_();
    const TensorFunction f = [](const std::vector<Tensor>& in) { return my_normalize(in[0], eps); };
    const auto first = gradcheck(f, {x}), second = gradgradcheck(f, {x});
    course::check(first.passed, first.message);
    course::check(second.passed, second.message,
                  "Right to first order only: is something detached in the rule?");
  });
}
