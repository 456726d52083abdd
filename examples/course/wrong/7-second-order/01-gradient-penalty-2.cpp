// expect: runs over the whole batch
//
// norm(g) without dimensions reads like "the norm of the gradient".
#include "course.h"

using namespace gradus;

using Critic = std::function<Tensor(const Tensor& x)>;

/// The penalty, a tensor without dimensions.
Tensor gradient_penalty(const Critic& critic, const Tensor& x) {
  const Tensor g = grad(sum(critic(x)), {x}, {.create_graph = true})[0];
  return square(norm(g) - 1.0);
}
