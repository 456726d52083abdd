// expect: ReLU on the logits
// Tempting: a ReLU after each layer.
#include "course.h"

using namespace gradus;

/// Logits [N, 10] from digits [N, 1, 28, 28].
nn::Sequential lenet() {
  return nn::Sequential(
      nn::Conv2d({.in_channels = 1, .out_channels = 6, .kernel_size = 5, .padding = 2}), nn::ReLU(),
      nn::MaxPool2d(2), nn::Conv2d({.in_channels = 6, .out_channels = 16, .kernel_size = 5}),
      nn::ReLU(), nn::MaxPool2d(2), nn::Flatten(), nn::Linear(400, 120), nn::ReLU(),
      nn::Linear(120, 84), nn::ReLU(), nn::Linear(84, 10), nn::ReLU());
}
