// expect: expected one for each of the
// Tempts because gradients are mostly looked at where parameters are.
#include "course.h"

using namespace gradus;

std::vector<double> gradients_by_layer(nn::Sequential& net, const Tensor& x,
                                       const Tensor& classes) {
  const Tape tape;
  std::vector<Tensor> outputs;
  Tensor h = x;
  for (size_t i = 0; i < net.size(); ++i) {
    h = net[i](h);
    if (!net[i].named_parameters().empty())
      outputs.push_back(h);  // kept, so that they can be asked for by name
  }
  const auto gradients = grad(cross_entropy(h, classes), outputs);
  std::vector<double> lengths;
  for (const Tensor& g : gradients) lengths.push_back(norm(g).item());
  return lengths;
}
