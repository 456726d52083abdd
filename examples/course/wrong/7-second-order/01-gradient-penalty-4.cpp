// expect: 5 times too small
//
// Losses are means over the batch, so one takes the mean of the scores as well.
#include "course.h"

using namespace gradus;

using Critic = std::function<Tensor(const Tensor& x)>;

/// The penalty, a tensor without dimensions.
Tensor gradient_penalty(const Critic& critic, const Tensor& x) {
  const Tensor g = grad(mean(critic(x)), {x}, {.create_graph = true})[0];
  return mean(square(norm(g, {1}) - 1.0));
}
