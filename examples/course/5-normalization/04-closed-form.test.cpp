#include COURSE_FILE

namespace {

double largest_sum(const Tensor& t, const Tensor& factor) {
  return amax(abs(sum(t * factor, {0, 2}))).item();
}

void check_type(DType dtype) {
  manual_seed(3);
  const double eps = 0.05;
  const Tensor x = (randn({2, 3, 2}, dtype) * 1.5 + 1.0).requires_grad_();
  const Tensor gamma = rand({3}, dtype) + 1.5, beta = randn({3}, dtype),
               g = randn({2, 3, 2}, dtype);
  const Dims set = {0, 2};
  const Tensor v = var(x.detach(), set, 0), r = rsqrt(v + eps);
  const Tensor xhat = batch_norm_train(x.detach(), {}, {}, eps).y;
  Tensor expected;
  {
    const Tape tape;
    expected = grad(batch_norm_train(x, gamma, beta, eps).y, {x}, {.gradient = g})[0];
  }
  const Tensor dx = closed_form(g, xhat, r, gamma);
  const double tolerance = dtype == float32 ? 1e-4 : 1e-9;
  const auto is = [&](const Tensor& mistake) { return course::is_same(dx, mistake, tolerance); };

  const Tensor scale = reshape(gamma * r, {1, -1, 1});
  const Tensor mean_g = mean(g, set, true), along = xhat * mean(g * xhat, set, true);
  if (is(scale * (g - along)))
    course::fail(
        str("Your dx sums to ", largest_sum(dx, ones_like(dx)),
            " over a set; the gradient of a normalized set always sums to 0: the mean term "
            "is missing."),
        "x + c has the same output for every c, so no step along (1, 1, ..., 1) can change "
        "the loss.");
  if (is(scale * (g - mean_g)))
    course::fail(str("The product of your dx with xhat sums to ", largest_sum(dx, xhat),
                     " over a set, expected ", largest_sum(expected, xhat),
                     " (0 at eps = 0): the variance term is missing."),
                 "Making all of x - mean longer does not change the output, so dx must not point "
                 "there.");
  if (is(scale * g))
    course::fail("Mean and variance are taken for constants, as in evaluation.",
                 "In training both depend on every x of the set: two terms are missing.");
  if (is(reshape(r, {1, -1, 1}) * (g - mean_g - along)))
    course::fail("Your dx is that of xhat: gamma is forgotten.",
                 "The gradient of xhat is gamma g; here gamma is not 1.");
  if (is(scale * (g - mean_g - along * (4.0 / 3))))
    course::fail(
        "The variance term is divided by M - 1: that is the gradient of another forward "
        "pass, with the unbiased variance.",
        str("It is off by ", 100 * (norm(dx - expected) / norm(expected)).item(),
            " % here, with M = 4; at M = 1000 it would be next to nothing, and wrong."));
  if (is(scale / 2.0 * (g * 2.0 - mean_g * 4.0 - along * 4.0)))
    course::fail("M is taken for the size of the batch, 2.",
                 str("M counts what the sums run over: N L = 4 elements. So your dx sums to ",
                     largest_sum(dx, ones_like(dx)), " over a set rather than to 0."));
  if (is((expected * 4.0).detach()))
    course::fail("Your dx is M times too large: 1 / M stands in front of all of it.");
  course::same("dx", dx, expected.detach(),
               "Expected (gamma r / M) (M g - sum g - xhat sum(g "
               "xhat)), with sums over dimensions 0 and 2.",
               tolerance);
}

}  // namespace

int main() {
  return course::run([] {
    check_type(float64);
    check_type(float32);
  });
}
