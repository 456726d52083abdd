// expect: 6 times too long
// Tempting: steps along the sum of the samples look as good as along the mean.
#include "course.h"

using namespace gradus;

/// One step of training on one batch; returns its loss.
double training_step(nn::Module& net, optim::Optimizer& optimizer, const Tensor& x,
                     const Tensor& y) {
  Tape tape;
  const Tensor loss = cross_entropy(net(x), y, {.reduction = Reduction::sum});
  tape.backward(loss);
  optimizer.step();
  optimizer.zero_grad();
  return loss.item() / static_cast<double>(x.size(0));
}
