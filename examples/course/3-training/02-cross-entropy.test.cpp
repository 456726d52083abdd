#include COURSE_FILE

namespace {

struct Case {
  Tensor logits, classes, loss, gradient;
};

Case case_of(const Tensor& logits, const Tensor& classes) {
  const Tensor leaf = logits.clone().requires_grad_();
  const Tape tape;
  const Tensor loss = cross_entropy(leaf, classes);
  return {logits, classes, loss.detach(), grad(loss, {leaf})[0].detach()};
}

void small_logits(DType type) {
  manual_seed(1);
  const Case c = case_of(randn({5, 3}, type), tensor<int64_t>({0, 2, 1, 1, 0}));
  const Loss found = cross_entropy_by_hand(c.logits, c.classes);
  const Tensor index = c.classes.unsqueeze(1);
  const double value = found.value.defined() && found.value.numel() == 1 ? found.value.item() : 0;
  if (course::is_same(found.value, -mean(gather(log_softmax(c.logits, 0), 1, index))))
    course::fail(str("Your loss is ", value, ", expected ", c.loss.item(),
                     ": your softmax runs over the samples (dimension 0)."),
                 "The probabilities of each sample add up to 1: sums and maxima are along the "
                 "classes, dimension 1.");
  if (course::is_same(found.value, c.loss * 5.0))
    course::fail(str("Your loss is ", value, ", 5 times the expected one: a sum, not a mean."));
  if (course::is_same(found.value, -c.loss))
    course::fail(str("Your loss is ", value, ": the sign is wrong."),
                 "Logarithms of probabilities are negative; the loss is minus their mean.");
  course::same("The loss", found.value, c.loss, "It is -log p of the right class, on average.");

  if (course::is_same(found.gradient, c.gradient * 5.0))
    course::fail(
        str("Your gradient has the norm ", norm(found.gradient).item(), ", 5 times that of the ",
            "tape: it is not divided by the number of samples."),
        "The loss is a mean over 5 samples. Without the division the step grows with the batch.");
  if (course::is_same(found.gradient, -c.gradient))
    course::fail("Your gradient has the wrong sign: it is p - onehot.",
                 "Raising the logit of the right class lowers the loss.");
  course::same("The gradient", found.gradient, c.gradient, "It is (p - onehot) / N.");
}

void large_logits(DType type) {
  const Tensor both = tensor<double>({1000, 0, -1000, 0, 1, 2}, {2, 3}).to(type);
  const Case c = case_of(both, tensor<int64_t>({0, 1}));
  const Loss found = cross_entropy_by_hand(c.logits, c.classes);
  if (!all_finite(found.value) || !all_finite(found.gradient)) {
    const Case equal = case_of(full({2, 3}, 1000, type), c.classes);
    const Loss e = cross_entropy_by_hand(equal.logits, equal.classes);
    if (!all_finite(e.value) || !all_finite(e.gradient))
      course::fail(str("For a row of logits of 1000 your loss is ", e.value.item(), ", expected ",
                       equal.loss.item(), ": exp(1000) is infinite, and inf / inf is NaN."),
                   "Subtract the largest logit of each row before exponentials are taken: no "
                   "probability changes.");
    course::fail(str("For the logits [1000, 0, -1000] and [0, 1, 2] your loss is ",
                     found.value.item(), ", expected ", c.loss.item(),
                     ": all of the second row "
                     "is too far below the largest logit of the whole batch."),
                 "Each row needs its own number, the largest logit of each row: "
                 "amax(logits, {1}, true).");
  }
  course::same("For large logits the loss", found.value, c.loss);
  course::same("For large logits the gradient", found.gradient, c.gradient);

  const Case hopeless = case_of(both, tensor<int64_t>({2, 1}));
  const Loss h = cross_entropy_by_hand(hopeless.logits, hopeless.classes);
  if (!all_finite(h.value))
    course::fail(str("For the logits [1000, 0, -1000] and the class 2 your loss is ",
                     h.value.item(), ", expected ", hopeless.loss.item(),
                     ": it is the log of a probability that is 0 in floating point."),
                 "Take the logarithm of the fraction by hand: log p = l - log(sum of exp(l)).");
  course::same("For a hopeless guess the loss", h.value, hopeless.loss);
  course::same("For a hopeless guess the gradient", h.gradient, hopeless.gradient);
}

}  // namespace

int main() {
  return course::run([] {
    for (const DType type : {float64, float32}) {
      small_logits(type);
      large_logits(type);
    }
  });
}
