#include COURSE_FILE

namespace {

void check_evaluation(DType type) {
  manual_seed(1);
  MyNorm norm(3, type);
  const Tensor x = randn({8, 3}, type) + 2.0, other = randn({8, 3}, type) * 5.0;
  const Tensor trained = norm(x);
  course::same("the output in training", trained, batch_norm_train(x).y,
               "It was right: statistics of the batch.", type == float32 ? 1e-4 : 1e-9);
  course::same("the running mean after one batch", norm.running_mean, mean(x, {0}) * 0.1,
               "Training updates the running statistics once per batch.");
  course::same("the running variance after one batch", norm.running_var, 0.9 + 0.1 * var(x, {0}, 0),
               "Training updates the running statistics once per batch.");
  norm.training = false;
  const Tensor before = norm.running_mean.clone();
  const Tensor first = norm(x);
  norm(other);
  const Tensor second = norm(x);
  if (!course::is_same(norm.running_mean, before))
    course::fail(
        str("Three evaluations moved the running mean of channel 0 from ", before[0].item(), " to ",
            norm.running_mean[0].item(), ", and evaluating the same x again gives another result."),
        "The running statistics are updated in evaluation: the test set leaks into the net. No "
        "check of "
        "gradients sees it; evaluate twice and compare the bits.");
  if (course::is_same(first, trained))
    course::fail(
        "In evaluation the batch's own statistics are used: the result for one sample depends on "
        "the others.",
        "The running statistics belong there.");
  course::same("the output in evaluation", first, (x - before) * rsqrt(norm.running_var + 1e-5),
               "(x - running mean) / sqrt(running variance + eps).");
  course::same("the output of the second evaluation", second, first);
}

std::vector<data::Batch> some_batches() {
  manual_seed(2);
  std::vector<data::Batch> batches;
  for (int i = 0; i < 4; ++i) batches.push_back({randn({8, 3}, float64), randn({8, 2}, float64)});
  return batches;
}

/// The weights after training by hand. `old`: how much of the last gradient is kept.
Tensor trained(const Tensor& start, const std::vector<data::Batch>& batches, double old) {
  Tensor w = start.detach().clone(), sum = zeros_like(w);
  for (const data::Batch& batch : batches) {
    Tensor leaf = w.clone().requires_grad_();
    const Tape tape;
    const Tensor y = batch_norm_train(matmul(batch.x, leaf)).y;
    const Tensor g = grad(mse_loss(y, batch.y), {leaf})[0];
    const NoGrad pause;
    sum = old * sum + g;
    w = w - 0.1 * sum;
  }
  return w;
}

void check_training() {
  const auto batches = some_batches();
  manual_seed(3);
  const Tensor start = randn({3, 2}, float64), w = start.clone().requires_grad_();
  optim::SGD sgd({{"w", w}}, {.lr = 0.1});
  MyNorm norm(2, float64);
  my_training(w, norm, batches, sgd);
  const Tensor found = w.detach();
  if (course::is_same(found, start))
    course::fail(
        "Four steps have not changed w.",
        "The gradient is cleared before the step: the order is backward, step, zero_grad.");
  if (course::is_same(found, trained(start, batches, 1)))
    course::fail("The step of batch 4 uses the sum of the gradients of batches 1 to 4.",
                 "zero_grad is missing in the loop: backward ADDS to .grad(). Nothing fails, and "
                 "the loss may even "
                 "fall; to find it, compare the gradient of a second step with that of grad(), "
                 "which adds to nothing.");
  course::same("w after four steps", found, trained(start, batches, 0),
               "Each step: backward, step, zero_grad.");
  course::check(norm.training, "my_training leaves the norm in evaluation mode.");
}

}  // namespace

int main() {
  return course::run([] {
    check_evaluation(float64);
    check_evaluation(float32);
    check_training();
  });
}
