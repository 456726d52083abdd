// 3.2  Softmax and cross entropy, by hand.
#include "course.h"

using namespace gradus;

struct Loss {
  Tensor value, gradient;
};

/// The cross entropy of a batch, and its gradient with respect to the logits.
Loss cross_entropy_by_hand(const Tensor& logits, const Tensor& classes) {
  // Adding a number to a whole row changes no probability, so the largest logit may be made 0:
  // then no exponential exceeds 1, and at least one of the sum is 1.
  const Tensor shifted = logits - amax(logits, {1}, true);
  // The logarithm of p, not p: a probability of e^-1000 is 0 as a number, its logarithm is -1000.
  const Tensor log_p = shifted - log(sum(exp(shifted), {1}, true));
  const Tensor value = -mean(gather(log_p, 1, classes.unsqueeze(1)));
  const Tensor onehot = one_hot(classes, logits.size(1)).to(logits.dtype());
  // The loss is a mean over the samples, so each of them moves it by a share of 1/N.
  return {value, (exp(log_p) - onehot) / static_cast<double>(logits.size(0))};
}
