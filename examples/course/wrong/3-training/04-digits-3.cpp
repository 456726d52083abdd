// expect: have not changed
// Tempting: gradients are to be cleared after backward, and after backward is here.
#include "course.h"

using namespace gradus;

/// One step of training on one batch; returns its loss.
double training_step(nn::Module& net, optim::Optimizer& optimizer, const Tensor& x,
                     const Tensor& y) {
  Tape tape;
  const Tensor loss = cross_entropy(net(x), y);
  tape.backward(loss);
  optimizer.zero_grad();
  optimizer.step();
  return loss.item();
}
