// 3.4  Milestone: a net that reads digits.
#include "course.h"

using namespace gradus;

/// One step of training on one batch; returns its loss.
double training_step(nn::Module& net, optim::Optimizer& optimizer, const Tensor& x,
                     const Tensor& y) {
  // A tape for each batch: when the scope ends, all that it kept for the backward pass is freed.
  Tape tape;
  // It takes logits: a softmax is part of it.
  const Tensor loss = cross_entropy(net(x), y);
  tape.backward(loss);
  optimizer.step();
  // backward adds to the gradients that are there, so that a parameter may be used more than once
  // and batches may be accumulated. Whoever does not want that has to clear them.
  optimizer.zero_grad();
  return loss.item();
}
