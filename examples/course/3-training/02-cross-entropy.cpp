// 3.2  Softmax and cross entropy, by hand.
//
// logits [N, C], classes [N] (int64). With p[n,c] = exp(l[n,c]) / sum over k of exp(l[n,k]):
//
//   loss     = mean over n of -log p[n, classes[n]]          a tensor without dimensions
//   gradient = (p - onehot) / N                              that of the loss, [N, C]
//
// Both must be right for logits of 1000 and -1000, too. Use exp, log, sum, amax, mean, gather,
// one_hot; not the library's softmax, log_softmax, logsumexp and cross_entropy, nor a tape.
#include "course.h"

using namespace gradus;

struct Loss {
  Tensor value, gradient;
};

/// The cross entropy of a batch, and its gradient with respect to the logits.
Loss cross_entropy_by_hand(const Tensor& logits, const Tensor& classes) {
  // TODO: the logarithm of p first, then the loss, then the gradient.
  course::todo("the cross entropy and its gradient");
}
