#include <gradus/gradus.h>

#include <iostream>

using namespace gradus;

int main() {
  const data::Batch digits = data::synthetic_digits(5000);  // drawn by strokes: 28x28, and 0 to 9
  const Tensor x = digits.x.unsqueeze(1).to(float32) / 255, y = digits.y;
  data::DataLoader loader(data::TensorDataset(x.narrow(0, 0, 4000), y.narrow(0, 0, 4000)),
                          {.batch_size = 20});
  nn::Sequential net(nn::Conv2d({.in_channels = 1, .out_channels = 8, .kernel_size = 5}),
                     nn::BatchNorm2d(8), nn::ReLU(), nn::MaxPool2d(2), nn::Flatten(),
                     nn::Linear(8 * 12 * 12, 10));
  optim::Adam adam(net.named_parameters(), {.lr = 3e-3});

  for (const auto& [images, classes] : loader) {
    Tape tape;                                               // recording starts here ...
    tape.backward(nn::cross_entropy(net(images), classes));  // ... is replayed in reverse ...
    adam.step();
    adam.zero_grad();
  }  // ... and ends here: what it kept is free again

  net.eval();
  const Tensor right = argmax(net(x.narrow(0, 4000, 1000)), 1) == y.narrow(0, 4000, 1000);
  std::cout << right.to(float32).mean().item() * 100 << " % of 1000 unseen digits\n";
}
