// Layers that Sequential computes together: same values, gradients and errors as one by one.
#include "../../nn/fused_layers.h"

#include <doctest/doctest.h>

#include <cstring>
#include <limits>

#include "../../core/base/random.h"
#include "../../core/grad.h"
#include "../../core/tape.h"
#include "../../nn/activation.h"
#include "../../nn/conv.h"
#include "../../nn/flatten.h"
#include "../../nn/linear.h"
#include "../../nn/norm.h"
#include "../../nn/pool.h"
#include "../../nn/sequential.h"
#include "../../optim/sgd.h"
#include "../core/checks.h"
#include "../support/errors.h"
#include "../support/isa.h"

using namespace gradus;
using namespace gradus::test;

namespace {

/// Off for its lifetime.
class WithoutFusion {
 public:
  WithoutFusion() { nn::set_fusion(false); }
  ~WithoutFusion() { nn::set_fusion(true); }
  WithoutFusion(const WithoutFusion&) = delete;
  WithoutFusion& operator=(const WithoutFusion&) = delete;
};

nn::Conv2d conv(int64_t in, int64_t out) {
  return nn::Conv2d({.in_channels = in, .out_channels = out, .kernel_size = 3, .padding = 1});
}

/// Every pair that can be computed together, for images [N,1,8,8].
nn::Sequential make_net() {
  manual_seed(1);
  return nn::Sequential(conv(1, 16), nn::ReLU(), conv(16, 16), nn::BatchNorm2d(16), nn::ReLU(),
                        nn::MaxPool2d(2), conv(16, 4), nn::ReLU(), nn::MaxPool2d(2), nn::Flatten(),
                        nn::Linear(16, 8), nn::BatchNorm1d(8), nn::ReLU(), nn::Linear(8, 3));
}

Tensor images(int64_t n) {
  return random({n, 1, 8, 8}, 3).to(float32);
}

bool same_bits(const Tensor& a, const Tensor& b) {
  const std::vector<float> x = a.to_vector<float>(), y = b.to_vector<float>();
  return x.size() == y.size() && std::memcmp(x.data(), y.data(), x.size() * sizeof(float)) == 0;
}

double max_difference(const Tensor& a, const Tensor& b) {
  return max(abs(sub(a.to(float64), b.to(float64)))).item();
}

/// Output and all gradients of a training step.
std::vector<Tensor> step(nn::Sequential& net, const Tensor& x) {
  Tape tape;
  const Tensor leaf = x.clone().requires_grad_();
  const Tensor y = net(leaf);
  tape.backward(sum(square(y)));
  std::vector<Tensor> results = {y.detach(), leaf.grad()};
  for (const NamedTensor& p : net.named_parameters()) results.push_back(p.tensor.grad().clone());
  net.zero_grad();
  return results;
}

/// The output in evaluation, which is not recorded.
Tensor evaluated(nn::Sequential& net, const Tensor& x) {
  net.eval();
  return net(x);
}

}  // namespace

TEST_CASE("training: the same bits of outputs and gradients") {
  nn::Sequential fused = make_net(), plain = make_net();
  const std::vector<Tensor> with = step(fused, images(5));
  const WithoutFusion off;
  const std::vector<Tensor> without = step(plain, images(5));
  REQUIRE(with.size() == without.size());
  for (size_t i = 0; i < with.size(); ++i) {
    CAPTURE(i);
    CHECK(same_bits(with[i], without[i]));
  }
}

TEST_CASE("a convolution with its ReLU is one entry, with a derivative of every order") {
  nn::Sequential net(conv(1, 2), nn::ReLU(), nn::Flatten());
  net.to(float64);
  const Tensor x = random({2, 1, 4, 4}, 7).requires_grad_();
  const auto penalty = [&] {  // the square of a gradient, and its own gradient
    Tape tape;
    const Tensor g = grad(sum(square(net(x))), {x}, {.create_graph = true})[0];
    return std::pair(grad(sum(square(g)), {x, net.get_parameter("0.weight")}), tape.size());
  };
  Tape tape;
  const Tensor y = net(x);
  CHECK(str(tape).find("relu=true") != std::string::npos);
  const auto [with, count] = penalty();
  const WithoutFusion off;
  const auto [without, count_without] = penalty();
  CHECK(count < count_without);
  for (size_t i = 0; i < 2; ++i) CHECK(max_difference(with[i], without[i]) == 0);
}

TEST_CASE("not a number stays one behind a convolution with ReLU and behind a pool") {
  nn::Sequential net(conv(1, 1), nn::ReLU(), conv(1, 1), nn::ReLU(), nn::MaxPool2d(2));
  Tensor x = images(1);
  x.mutable_data<float>()[0] = std::numeric_limits<float>::quiet_NaN();
  CHECK(isnan(net(x)).to_vector<bool>()[0]);
}

TEST_CASE("evaluation: folded norms give the same to a hundred thousandth of the largest output") {
  nn::Sequential net = make_net();
  for (int i = 0; i < 3; ++i) step(net, images(16) * (i + 1.0) + 0.5);
  const Tensor folded = evaluated(net, images(7));
  const auto plain = [&] {
    const WithoutFusion off;
    return evaluated(net, images(7));
  };
  const double largest = max(abs(plain())).item();
  CHECK(max_difference(folded, plain()) < 1e-5 * largest);
  CHECK_FALSE(same_bits(folded, plain()));  // else nothing was folded

  SUBCASE("of a sample, whatever else is in the batch") {
    for (int64_t i = 0; i < 7; ++i) {
      CHECK(same_bits(net(narrow(images(7), 0, i, 1)), narrow(folded, 0, i, 1)));
    }
  }
  SUBCASE("as soon as a weight or a statistic has changed") {
    const NoGrad pause;
    for (const char* name : {"3.running_mean", "3.running_var"}) net.get_buffer(name).mul_(1.5);
    for (const char* name : {"2.weight", "2.bias", "3.weight", "3.bias"}) {
      net.get_parameter(name).mul_(1.1);
      CHECK(max_difference(net(images(7)), plain()) < 1e-5 * largest);
    }
    CHECK(max_difference(net(images(7)), folded) > 1e-3 * largest);
  }
  SUBCASE("after training, loading and conversion") {
    net.train();
    optim::SGD sgd(net.named_parameters(), {.lr = 0.1});
    Tape tape;
    tape.backward(sum(square(net(images(8)))));
    sgd.step();
    const NoGrad pause;
    CHECK(max_difference(evaluated(net, images(7)), plain()) < 1e-5 * largest);
    net.load_state_dict(make_net().state_dict());
    CHECK(max_difference(evaluated(net, images(7)), plain()) < 1e-5 * largest);
    net.to(float64);
    const Tensor wide = evaluated(net, images(7).to(float64));
    const WithoutFusion off;
    CHECK(max_difference(wide, net(images(7).to(float64))) < 1e-13 * largest);
  }
}

TEST_CASE("evaluation: what is recorded, looked at or of a class of its own runs as it is") {
  nn::Sequential net = make_net();
  net.eval();
  const auto plain = [&] {
    const WithoutFusion off;
    return net(images(3));
  };
  const Tensor expected = plain();
  CHECK_FALSE(same_bits(net(images(3)), expected));
  {
    const Tape tape;
    CHECK(same_bits(net(images(3)), expected));
  }
  for (const char* path : {"3", "11"}) {
    net.get_submodule(path).add_forward_hook(
        [](auto&, auto& x, auto& y) { CHECK(x.dim() == y.dim()); });
  }
  CHECK(same_bits(net(images(3)), expected));

  struct Doubled : nn::ReLU {
    Tensor forward(const Tensor& x) override { return mul(relu(x), 2); }
  };
  nn::Sequential own(conv(1, 2), Doubled());
  nn::Sequential usual(conv(1, 2), nn::ReLU());
  usual.load_state_dict(own.state_dict());
  CHECK(same_bits(own(images(1)), mul(usual(images(1)), 2)));
}

TEST_CASE("evaluation: a copy of a Linear's weight gives the same bits, and follows the weight") {
  nn::Sequential net(nn::Linear(300, 40));
  net.eval();
  const Tensor x = random({5, 300}, 11).to(float32);
  for (int round = 0; round < 2; ++round) {
    const Tensor expected = linear(x, net.get_parameter("0.weight"), net.get_parameter("0.bias"));
    const int64_t before = live_bytes();
    for (int use = 0; use < 3; ++use) {
      CHECK(same_bits(net(x), expected));
      CHECK(same_bits(net(narrow(x, 0, 3, 1)), narrow(expected, 0, 3, 1)));
    }
    if (round == 0) CHECK(live_bytes() - before == 300 * 40 * 4);  // it is there
    const NoGrad pause;
    net.get_parameter("0.weight").mul_(2);
  }
}

TEST_CASE(
    "evaluation: a transformed weight of a Conv2d gives the same bits, and follows the weight") {
  nn::Sequential net(conv(16, 20));
  net.eval();
  const Tensor x = random({3, 16, 10, 10}, 12).to(float32);
  for (int round = 0; round < 2; ++round) {
    const Tensor weight = net.get_parameter("0.weight"), bias = net.get_parameter("0.bias");
    const Tensor expected = conv2d(x, weight, bias, {.padding = 1});
    const int64_t before = live_bytes();
    for (int use = 0; use < 3; ++use) {
      CHECK(same_bits(net(x), expected));
      CHECK(same_bits(net(narrow(x, 0, 1, 1)), narrow(expected, 0, 1, 1)));
    }
    if (round == 0) CHECK(live_bytes() - before > 16 * 20 * 36 * 4);  // it is there
    with_every_isa([&] { CHECK(same_bits(net(x), conv2d(x, weight, bias, {.padding = 1}))); });
    const NoGrad pause;
    net.get_parameter("0.weight").mul_(2);
  }
}

TEST_CASE("evaluation: a sample without a batch is refused by the norm, folded or not") {
  nn::Sequential net(conv(1, 2), nn::BatchNorm2d(2));
  net.eval();
  CHECK_THROWS_WITH_AS(net(images(1)[0]), doctest::Contains("[BatchNorm2d] (1)"), ShapeError);
}

TEST_CASE("evaluation: norms whose folded weights would leave the range of float are not folded") {
  nn::Sequential net(conv(1, 2), nn::BatchNorm2d(2));
  net.eval();
  const NoGrad pause;
  net.get_parameter("0.weight").fill_(1e37);
  net.get_parameter("1.weight").fill_(100);
  net.get_buffer("1.running_mean").fill_(0);
  const Tensor x = full({1, 1, 8, 8}, 1e-6);
  CHECK(all_finite(net(x)));
}
