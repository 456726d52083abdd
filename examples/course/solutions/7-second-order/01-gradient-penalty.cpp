// 7.1  A gradient penalty.
//
// A critic maps samples x [N, D] to scores [N, 1]. Its slope at a sample is the length of the
// gradient of that sample's score with respect to that sample. Return, as a tensor that can be
// differentiated with respect to the critic's parameters,
//
//     penalty = 1/N sum_n (|d score_n / d x_n| - 1)^2
//
// A tape is open, and x is a leaf that requires a gradient.
#include "course.h"

using namespace gradus;

using Critic = std::function<Tensor(const Tensor& x)>;

/// The penalty, a tensor without dimensions.
Tensor gradient_penalty(const Critic& critic, const Tensor& x) {
  // Score n depends on sample n only, so the gradient of the sum holds one gradient in each row.
  const Tensor scores = sum(critic(x));
  // Recorded, since the penalty is a loss: its own gradient passes through this one.
  const Tensor g = grad(scores, {x}, {.create_graph = true})[0];
  const Tensor slopes = norm(g, {1});  // over a sample's inputs, not over the batch
  return mean(square(slopes - 1.0));
}
