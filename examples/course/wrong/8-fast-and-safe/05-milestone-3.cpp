// expect: has not learned at all
//
// The rate of 0.1 that is usual for SGD, and then some; Adam steps are of the size of the rate.
#include "course.h"

using namespace gradus;

double black_of(const data::DatasetPtr& train) {
  return amin(train->get(0).x).item();
}

/// A trained net.
nn::Sequential trained_net(const data::DatasetPtr& train) {
  const double black = black_of(train);
  // A good net.
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
  constexpr int epochs = 3;
  optim::AdamW adam(net.named_parameters(), {.lr = 30.0, .weight_decay = 0});
  optim::Schedule schedule(
      adam, optim::OneCycleLR{.max_lr = 30.0, .epochs = epochs, .steps_per_epoch = loader.size()});
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
