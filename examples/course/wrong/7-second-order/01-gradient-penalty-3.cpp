// expect: The 1 is missing
//
// A penalty on the size of something usually is its square.
#include "course.h"

using namespace gradus;

using Critic = std::function<Tensor(const Tensor& x)>;

/// The penalty, a tensor without dimensions.
Tensor gradient_penalty(const Critic& critic, const Tensor& x) {
  const Tensor g = grad(sum(critic(x)), {x}, {.create_graph = true})[0];
  return mean(square(norm(g, {1})));
}
