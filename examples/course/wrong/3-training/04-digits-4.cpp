// expect: after the step
// Tempting: the latest value looks like the most useful one.
#include "course.h"

using namespace gradus;

/// One step of training on one batch; returns its loss.
double training_step(nn::Module& net, optim::Optimizer& optimizer, const Tensor& x,
                     const Tensor& y) {
  {
    Tape tape;
    tape.backward(cross_entropy(net(x), y));
  }
  optimizer.step();
  optimizer.zero_grad();
  return cross_entropy(net(x), y).item();
}
