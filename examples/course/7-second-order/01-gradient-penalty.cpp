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
  // TODO: scores, their gradient with respect to x, its length for each sample, the penalty.
  course::todo("the gradient penalty");
}
