// expect: Measuring changed the gradient of
// Tempts because backward() is how training gets its gradients.
#include "course.h"

using namespace gradus;

std::vector<double> gradients_by_layer(nn::Sequential& net, const Tensor& x,
                                       const Tensor& classes) {
  Tape tape;
  std::vector<Tensor> outputs;
  Tensor h = x;
  for (size_t i = 0; i < net.size(); ++i) {
    h = net[i](h);
    outputs.push_back(h);  // kept, so that they can be asked for by name
  }
  const Tensor loss = cross_entropy(h, classes);
  const auto gradients = grad(loss, outputs, {.retain = true});
  tape.backward(loss);
  std::vector<double> lengths;
  for (const Tensor& g : gradients) lengths.push_back(norm(g).item());
  return lengths;
}
