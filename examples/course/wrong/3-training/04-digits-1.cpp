// expect: zero_grad
// Tempting: everything that is needed for one step is there, and the loss even falls.
#include "course.h"

using namespace gradus;

/// One step of training on one batch; returns its loss.
double training_step(nn::Module& net, optim::Optimizer& optimizer, const Tensor& x,
                     const Tensor& y) {
  Tape tape;
  const Tensor loss = cross_entropy(net(x), y);
  tape.backward(loss);
  optimizer.step();
  return loss.item();
}
