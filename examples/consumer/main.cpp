// Fits the line y = 3 x - 1 to noisy points: a module of its own, a tape, an optimizer.
#include <gradus/gradus.h>

#include <cmath>
#include <iostream>

using namespace gradus;

struct Line : nn::Module {
  Tensor& slope = parameter("slope", zeros({}));
  Tensor& offset = parameter("offset", zeros({}));

  Tensor forward(const Tensor& x) override { return slope * x + offset; }
};

int main() try {
  Rng random(1);
  const Tensor x = rand({64}, random, -1, 1);
  const Tensor y = 3 * x - 1 + 0.01 * randn({64}, random);

  Line line;
  optim::SGD sgd(line.named_parameters(), {.lr = 0.2});
  for (int step = 0; step < 200; ++step) {
    Tape tape;
    tape.backward(mean(square(line(x) - y)));
    sgd.step();
    sgd.zero_grad();
  }

  const double slope = line.slope.item(), offset = line.offset.item();
  std::cout << "y = " << slope << " x + " << offset << '\n';
  return std::abs(slope - 3) < 0.02 && std::abs(offset + 1) < 0.02 ? 0 : 1;
} catch (const Error& error) {
  std::cerr << error.what() << '\n';
  return 1;
}
