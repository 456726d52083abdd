// 6.1  How large is the gradient at each layer?
//
// For a net that runs its layers one after the other, and the cross entropy of its output: measure
// the Euclidean length of the gradient of the loss with respect to the output of every layer, the
// first layer first. A measurement leaves no trace: the `.grad()` of the parameters stays as it is.
#include "course.h"

using namespace gradus;

/// One number for each layer of `net`: net[0], net[1] ... net[net.size() - 1].
std::vector<double> gradients_by_layer(nn::Sequential& net, const Tensor& x,
                                       const Tensor& classes) {
  // TODO: run the layers one by one on a tape, and ask for the gradients of what they gave.
  course::todo("the gradients by layer");
}
