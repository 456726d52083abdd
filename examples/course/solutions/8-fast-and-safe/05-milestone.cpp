// 8.5  Milestone: a net of your own, 99.3 % right.
//
// Build a net for images [N, 1, 28, 28] with outputs [N, 10], train it, and return it. The test
// gives it digits that it has not seen. If MNIST is on this machine, `train` are its 60000 images,
// and three minutes on two slow cores are enough; otherwise it is 1000 synthetic digits.
//
// Everything in the course may be used: convolutions, norms, augmentation (datasets/transform.h),
// schedules (optim/schedule.h). Images are normalized: the background is not 0, but
// black_of(train).
#include "course.h"

using namespace gradus;

double black_of(const data::DatasetPtr& train) {
  return amin(train->get(0).x).item();
}

/// A trained net.
nn::Sequential trained_net(const data::DatasetPtr& train) {
  const double black = black_of(train);
  // Convolutions: what a stroke looks like does not depend on where it is. The norms take over the
  // biases, and allow the large rate.
  nn::Sequential net(
      nn::Conv2d(
          {.in_channels = 1, .out_channels = 16, .kernel_size = 3, .padding = 1, .bias = false}),
      nn::BatchNorm2d(16), nn::ReLU(), nn::MaxPool2d(2),
      nn::Conv2d(
          {.in_channels = 16, .out_channels = 32, .kernel_size = 3, .padding = 1, .bias = false}),
      nn::BatchNorm2d(32), nn::ReLU(), nn::MaxPool2d(2),
      nn::Conv2d({.in_channels = 32, .out_channels = 64, .kernel_size = 3, .bias = false}),
      nn::BatchNorm2d(64), nn::ReLU(), nn::Flatten(), nn::Linear(64 * 5 * 5, 10));
  data::DataLoader loader(train, {.batch_size = 100,
                                  .drop_last = true,
                                  .seed = 1,
                                  .transform = data::RandomShift{.pixels = 2, .fill = black}});
  // Shifted digits are digits, and each epoch sees others. What comes in at the edge is background.
  constexpr int epochs = 8;
  optim::AdamW adam(net.named_parameters(), {.lr = 0.005, .weight_decay = 1e-3});
  // Up, and down to almost 0: the last steps average out the noise of the earlier ones.
  optim::Schedule schedule(
      adam, optim::OneCycleLR{.max_lr = 0.005, .epochs = epochs, .steps_per_epoch = loader.size()});
  for (int epoch = 0; epoch < epochs; ++epoch) {
    for (const auto& [x, y] : loader) {
      Tape tape;
      tape.backward(nn::cross_entropy(net(x), y));
      adam.step();
      adam.zero_grad();
      schedule.step();
    }
  }
  return net;
}
