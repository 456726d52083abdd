// Whole training steps: memory, determinism, and that they learn.
#include <doctest/doctest.h>

#include "../../core/base/allocator.h"
#include "../../core/base/parallel_for.h"
#include "../../core/ops.h"
#include "../../core/tape.h"
#include "../../nn/activation.h"
#include "../../nn/conv.h"
#include "../../nn/dropout.h"
#include "../../nn/flatten.h"
#include "../../nn/linear.h"
#include "../../nn/norm.h"
#include "../../nn/pool.h"
#include "../../nn/sequential.h"
#include "../../optim/adam.h"

using namespace gradus;

namespace {

/// A small net of every kind of layer that training keeps memory for.
nn::Sequential small_net() {
  return nn::Sequential(
      nn::Conv2d({.in_channels = 1, .out_channels = 4, .kernel_size = 3, .padding = 1}),
      nn::BatchNorm2d(4), nn::ReLU(), nn::MaxPool2d(2), nn::Flatten(), nn::Linear(4 * 6 * 6, 16),
      nn::ReLU(), nn::Dropout(0.25), nn::Linear(16, 3));
}

/// Pictures whose class is the third of the picture that is bright.
struct Stripes {
  Tensor x, y;
  explicit Stripes(int64_t n) {
    Rng generator(1);
    x = mul(randn({n, 1, 12, 12}, generator), 0.3);
    std::vector<int64_t> labels;
    for (int64_t i = 0; i < n; ++i) {
      labels.push_back(i % 3);
      x.narrow(0, i, 1).narrow(2, i % 3 * 4, 4).fill_(1);
    }
    y = tensor(labels, {n});
  }
};

double train_step(nn::Sequential& net, optim::Adam& adam, const Stripes& data) {
  Tape tape;
  const Tensor loss = cross_entropy(net(data.x), data.y);
  tape.backward(loss);
  adam.step();
  adam.zero_grad();
  return loss.item();
}

std::vector<float> weights_after(int steps, int threads) {
  const int before = num_threads();
  set_num_threads(threads);
  manual_seed(11);
  nn::Sequential net = small_net();
  optim::Adam adam(net.named_parameters(), {.lr = 0.01});
  const Stripes data(48);
  for (int i = 0; i < steps; ++i) train_step(net, adam, data);
  std::vector<float> all;
  for (const NamedTensor& p : net.state_dict()) {
    if (p.tensor.dtype() != float32) continue;
    const auto values = p.tensor.to_vector<float>();
    all.insert(all.end(), values.begin(), values.end());
  }
  set_num_threads(before);
  return all;
}

}  // namespace

TEST_CASE("a training step returns every tensor and every byte") {
  manual_seed(1);
  nn::Sequential net = small_net();
  optim::Adam adam(net.named_parameters(), {.lr = 0.01});
  const Stripes data(48);
  train_step(net, adam, data);  // the optimizer makes its state
  const int64_t tensors = live_tensors(), bytes = live_bytes();
  for (int i = 0; i < 5; ++i) {
    train_step(net, adam, data);
    CHECK(live_tensors() == tensors);
    CHECK(live_bytes() == bytes);
  }
}

TEST_CASE("after the first steps a training step asks the system for no memory") {
  manual_seed(1);
  nn::Sequential net = small_net();
  optim::Adam adam(net.named_parameters(), {.lr = 0.01});
  const Stripes data(48);
  const int threads = num_threads();
  set_num_threads(1);  // two threads may need their workspaces at the same moment, or not
  for (int i = 0; i < 3; ++i) train_step(net, adam, data);
  const int64_t before = allocator_statistics().system_allocations;
  for (int i = 0; i < 20; ++i) train_step(net, adam, data);
  CHECK(allocator_statistics().system_allocations == before);
  set_num_threads(threads);
}

TEST_CASE("the same seed trains to the same bits, on any number of threads") {
  const auto one = weights_after(5, 1);
  CHECK(one == weights_after(5, 1));
  CHECK(one == weights_after(5, 2));
  CHECK(one == weights_after(5, 3));
}

TEST_CASE("a small net learns to tell stripes") {
  manual_seed(2);
  nn::Sequential net = small_net();
  optim::Adam adam(net.named_parameters(), {.lr = 0.01});
  const Stripes data(48);
  const double first = train_step(net, adam, data);
  for (int i = 0; i < 30; ++i) train_step(net, adam, data);
  net.eval();
  const Tensor right = eq(argmax(net(data.x), 1), data.y);
  CHECK(sum(right).item() == 48);
  CHECK(cross_entropy(net(data.x), data.y).item() < first / 10);
}
