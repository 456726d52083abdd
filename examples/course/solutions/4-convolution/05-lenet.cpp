// 4.5  Milestone: LeNet-5.
#include "course.h"

using namespace gradus;

/// Logits [N, 10] from digits [N, 1, 28, 28].
nn::Sequential lenet() {
  return nn::Sequential(
      // The padding makes 28x28 digits the 32x32 of the paper: strokes may end in the middle of a
      // window. From there on, sizes follow: 28, 14, 10, 5.
      nn::Conv2d({.in_channels = 1, .out_channels = 6, .kernel_size = 5, .padding = 2}), nn::ReLU(),
      nn::MaxPool2d(2), nn::Conv2d({.in_channels = 6, .out_channels = 16, .kernel_size = 5}),
      nn::ReLU(), nn::MaxPool2d(2),
      // 16 channels of 5x5 become 400 features. Without a ReLU in between, two linear layers would
      // be a single one.
      nn::Flatten(), nn::Linear(16 * 5 * 5, 120), nn::ReLU(), nn::Linear(120, 84), nn::ReLU(),
      // No softmax: cross_entropy takes logits.
      nn::Linear(84, 10));
}
