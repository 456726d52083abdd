// expect: softmax twice
// Tempting: cross entropy is defined for probabilities.
#include "course.h"

using namespace gradus;

/// One step of training on one batch; returns its loss.
double training_step(nn::Module& net, optim::Optimizer& optimizer, const Tensor& x,
                     const Tensor& y) {
  Tape tape;
  const Tensor loss = cross_entropy(softmax(net(x), 1), y);
  tape.backward(loss);
  optimizer.step();
  optimizer.zero_grad();
  return loss.item();
}
