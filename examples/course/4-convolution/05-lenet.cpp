// 4.5  Milestone: LeNet-5.
//
// The net of LeCun et al. (1998), with ReLU and max pooling as is usual today, for x [N, 1, 28,
// 28]:
//
//   convolution  5x5, 6 channels, padding 2;   ReLU; max pooling of 2x2
//   convolution  5x5, 16 channels, no padding; ReLU; max pooling of 2x2
//   linear layers of 120, 84 and 10 outputs; a ReLU after each but the last
//
// The test trains it for four epochs. What is to be reached is 98.8 % of MNIST's 10,000 test
// digits; 99.5 % if MNIST is not on this machine and the library draws digits instead.
#include "course.h"

using namespace gradus;

/// Logits [N, 10] from digits [N, 1, 28, 28].
nn::Sequential lenet() {
  // TODO: nn::Conv2d, nn::ReLU, nn::MaxPool2d, nn::Flatten, nn::Linear, in one nn::Sequential.
  course::todo("the layers of LeNet-5");
}
