// expect: Only the mean slope
//
// Mean and square look as if they could change places.
#include "course.h"

using namespace gradus;

using Critic = std::function<Tensor(const Tensor& x)>;

/// The penalty, a tensor without dimensions.
Tensor gradient_penalty(const Critic& critic, const Tensor& x) {
  const Tensor g = grad(sum(critic(x)), {x}, {.create_graph = true})[0];
  return square(mean(norm(g, {1})) - 1.0);
}
