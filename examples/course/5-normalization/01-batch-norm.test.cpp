#include COURSE_FILE

namespace {

Tensor per_channel(const Tensor& t) {
  return reshape(t, {1, -1, 1, 1});
}

void check_output(const Tensor& y, const Tensor& x, double eps) {
  const Dims set = {0, 2, 3};
  const Tensor centred = x - mean(x, set, true), v = var(x, set, 0, true);
  const double expected = mean(v / (v + eps)).item();
  if (course::is_same(y, centred * rsqrt(var(x, set, 1, true) + eps)))
    course::fail(str("In training, the variance of your output is ", mean(var(y, set, 0)).item(),
                     " on average, expected v / (v + eps) = ", expected, "."),
                 "The unbiased variance is used in the forward pass. Divided by M, not by M - 1: "
                 "the elements of the set are all there are. (`var` has correction 1 by default.)");
  if (course::is_same(y, centred / (sqrt(v) + eps)))
    course::fail(str("In training, the variance of your output is ", mean(var(y, set, 0)).item(),
                     " on average, expected v / (v + eps) = ", expected, "."),
                 "eps stands outside the root: it is added to the variance, not to the deviation.");
  if (course::is_same(y, centred * rsqrt(v)))
    course::fail("eps is not used: a channel that is constant would give 0 / 0.");
  for (const Dims& dims : {Dims{0}, Dims{2, 3}, Dims{1, 2, 3}, Dims{1}, Dims{0, 1, 2, 3}}) {
    const Tensor other = (x - mean(x, dims, true)) * rsqrt(var(x, dims, 0, true) + eps);
    if (y.shape() == x.shape() && course::is_same(y, other))
      course::fail(str("You normalize over the wrong dimensions, ", dims, "."),
                   "Batch norm has one mean and one variance for each channel: it runs over every "
                   "dimension but 1.");
  }
  course::same("the output in training", y, batch_norm_train(x, {}, {}, eps).y,
               "Expected (x - mean) / sqrt(v + eps) with mean and v of each channel.");
}

void check_statistics(const BatchNorm& after, const BatchNorm& before, const Tensor& x) {
  const Dims set = {0, 2, 3};
  const double m = before.momentum;
  const Tensor mu = mean(x, set), v = var(x, set, 1), biased = var(x, set, 0);
  course::check(!after.running_mean.requires_grad() && !after.running_var.requires_grad(),
                "The running statistics are on the tape.",
                "They would keep every batch there has been, and its graph. Compute them from "
                "x.detach().");
  if (course::is_same(after.running_mean, before.running_mean))
    course::fail("The running mean did not move in training.");
  if (course::is_same(after.running_mean, before.running_mean * m + mu * (1 - m)))
    course::fail(str("Momentum is the wrong way round: with momentum ", m,
                     " your running mean "
                     "moved by ",
                     1 - m, " of the way to the mean of the batch."),
                 "Here momentum is the share of the new batch. (In Keras and ONNX it is the share "
                 "of the old ones.)");
  course::same("the running mean", after.running_mean, before.running_mean * (1 - m) + mu * m);
  if (course::is_same(after.running_var, before.running_var * (1 - m) + biased * m))
    course::fail("The running variance is made of biased variances.",
                 "It estimates the variance of all images from one batch, so it takes the unbiased "
                 "one, v M / (M - 1); only the output is made with the biased one.");
  course::same("the running variance", after.running_var, before.running_var * (1 - m) + v * m);
}

void check_type(DType dtype) {
  manual_seed(1);
  const double eps = 0.3;
  const Tensor x = (randn({3, 2, 4, 5}, dtype) * 1.5 + 2.0).requires_grad_();
  BatchNorm norm{tensor({0.5, -1.0}).to(dtype), tensor({2.0, 3.0}).to(dtype), 0.2, eps};
  const BatchNorm before{norm.running_mean.clone(), norm.running_var.clone(), 0.2, eps};
  {
    const Tape tape;
    const Tensor y = forward(norm, x);
    check_output(y.detach(), x.detach(), eps);
    check_statistics(norm, before, x.detach());
    const Tensor g = randn(x.shape(), dtype);
    const Tensor dx = grad(y, {x}, {.gradient = g, .allow_unused = true})[0];
    const Tensor v = var(x.detach(), {0, 2, 3}, 0, true);
    course::check(dx.defined() && !course::is_same(dx, g * rsqrt(v + eps)),
                  "The gradient does not pass through mean and variance.",
                  "Only the running statistics are detached. Those of the output depend on x.");
    const Tensor expected = grad(batch_norm_train(x, {}, {}, eps).y, {x}, {.gradient = g})[0];
    course::same("the gradient of x", dx, expected, "", dtype == float32 ? 1e-4 : 0);
  }

  norm.training = false;
  norm.running_mean = before.running_mean.clone();
  norm.running_var = before.running_var.clone();
  const Tensor image = randn({1, 2, 3, 3}, dtype) * 3.0;
  const Tensor y = forward(norm, image);
  if (course::is_same(y, batch_norm_train(image, {}, {}, eps).y))
    course::fail("In evaluation you normalize with the statistics of the input.",
                 "Then the result for an image depends on what else is in its batch. Use the "
                 "running statistics.");
  course::check(course::is_same(norm.running_mean, before.running_mean) &&
                    course::is_same(norm.running_var, before.running_var),
                "The running statistics are updated in evaluation.",
                "Then the test images would change the net, and the order of tests its results.");
  const Tensor expected =
      (image - per_channel(before.running_mean)) * rsqrt(per_channel(before.running_var) + eps);
  course::same("the output in evaluation", y, expected,
               "Expected (x - running_mean) / sqrt(running_var + eps).");
}

}  // namespace

int main() {
  return course::run([] {
    check_type(float64);
    check_type(float32);
  });
}
