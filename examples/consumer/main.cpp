// Fits the line y = 3 x - 1 to noisy points with nothing but tensors and a tape.
#include <gradus/gradus.h>

#include <cmath>
#include <iostream>

using namespace gradus;

int main() try {
  Rng random(1);
  const Tensor x = rand({64}, random, -1, 1);
  const Tensor y = 3 * x - 1 + 0.01 * randn({64}, random);

  Tensor slope = zeros({}).requires_grad_();
  Tensor offset = zeros({}).requires_grad_();
  for (int step = 0; step < 200; ++step) {
    Tape tape;
    tape.backward(mean(square(slope * x + offset - y)));
    const NoGrad pause;
    for (Tensor* parameter : {&slope, &offset}) {
      parameter->add_(parameter->grad(), -0.2);
      parameter->set_grad({});
    }
  }

  std::cout << "y = " << slope.item() << " x + " << offset.item() << '\n';
  const bool found = std::abs(slope.item() - 3) < 0.02 && std::abs(offset.item() + 1) < 0.02;
  return found ? 0 : 1;
} catch (const Error& error) {
  std::cerr << error.what() << '\n';
  return 1;
}
