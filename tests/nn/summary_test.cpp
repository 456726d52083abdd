#include "../../nn/summary.h"

#include <doctest/doctest.h>

#include "../../core/tape.h"
#include "../../nn/activation.h"
#include "../../nn/conv.h"
#include "../../nn/dropout.h"
#include "../../nn/flatten.h"
#include "../../nn/linear.h"
#include "../../nn/norm.h"
#include "../../nn/sequential.h"

using namespace gradus;

namespace {

nn::Sequential make_net() {
  nn::Sequential net;
  net.add("stem",
          nn::Sequential(nn::Conv2d({.in_channels = 1, .out_channels = 4, .kernel_size = 3}),
                         nn::BatchNorm2d(4), nn::ReLU()));
  net.add("flatten", nn::Flatten());
  net.add("drop", nn::Dropout());
  net.add("fc", nn::Linear(4 * 4 * 4, 10));
  return net;
}

/// The line of a layer, without repeated blanks.
std::string line_of(const std::string& text, const std::string& layer) {
  size_t begin = text.find("\n" + layer + " ");
  if (begin == std::string::npos) return "no line";
  ++begin;
  std::string line = text.substr(begin, text.find('\n', begin) - begin);
  for (size_t i; (i = line.find("  ")) != std::string::npos;) line.erase(i, 1);
  return line;
}

}  // namespace

TEST_CASE("a summary shows shapes, parameters, operations and modes") {
  nn::Sequential net = make_net();
  const std::string text = nn::summary(net, {2, 1, 6, 6});
  CHECK(text.starts_with("input [2,1,6,6]\n"));
  CHECK(line_of(text, "stem") == "stem Sequential [2,4,4,4] 0 0 train");
  // 2 * 9 multiplications and additions for each of 2 * 4 * 4 * 4 outputs, more with the bias
  CHECK(line_of(text, "stem.0").starts_with("stem.0 Conv2d [2,4,4,4] 40 2,"));
  CHECK(line_of(text, "stem.2") == "stem.2 ReLU [2,4,4,4] 0 128 train");
  CHECK(line_of(text, "flatten") == "flatten Flatten [2,64] 0 0 train");
  CHECK(line_of(text, "drop") == "drop Dropout [2,64] 0 0 train");
  CHECK(line_of(text, "fc").starts_with("fc Linear [2,10] 650 2,5"));
  CHECK(line_of(text, "total").starts_with("total 698 "));
}

TEST_CASE("a summary leaves modes, statistics, gradients and random streams as they are") {
  nn::Sequential net = make_net();
  net[2].eval();
  {
    Tape tape;
    tape.backward(sum(net(ones({2, 1, 6, 6}))));
  }
  const NamedTensors state = net.state_dict();
  const Tensor gradient = net.named_parameters()[0].tensor.grad();
  const std::vector<float> gradient_before = gradient.to_vector<float>();
  const RandomState random = random_state();
  const int64_t tensors = live_tensors();

  const std::string text = nn::summary(net, {1, 1, 6, 6});

  CHECK(live_tensors() == tensors);
  CHECK(line_of(text, "drop") == "drop Dropout [1,64] 0 0 eval");
  CHECK(net[0].is_training());
  CHECK_FALSE(net[2].is_training());
  CHECK(net.is_training());
  CHECK(random_state().streams == random.streams);
  CHECK(net.named_parameters()[0].tensor.grad().is_same(gradient));
  CHECK(gradient.to_vector<float>() == gradient_before);
  const NamedTensors after = net.state_dict();
  for (size_t i = 0; i < state.size(); ++i) {
    CHECK(after[i].tensor.to(float64).to_vector<double>() ==
          state[i].tensor.to(float64).to_vector<double>());
  }
}

TEST_CASE("a summary that fails restores the modes") {
  nn::Sequential net = make_net();
  CHECK_THROWS_AS(nn::summary(net, {1, 3, 6, 6}), ShapeError);
  CHECK(net[0].is_training());
}

TEST_CASE("a summary shows frozen layers, in float64 too") {
  nn::Sequential net = make_net();
  net.to(float64);
  net[0].requires_grad_(false);
  const std::string text = nn::summary(net, {1, 1, 6, 6});
  CHECK(line_of(text, "stem.0").ends_with(" train, frozen"));
  CHECK(line_of(text, "fc").ends_with(" train"));
}

TEST_CASE("a summary names biases that have no effect") {
  nn::Sequential net = make_net();
  CHECK(nn::summary(net, {1, 1, 6, 6})
            .ends_with("note: the bias of stem.0 has no effect, since stem.1 takes the mean of "
                       "each channel away; build it with bias = false\n"));
  nn::Sequential lean(
      nn::Conv2d({.in_channels = 1, .out_channels = 4, .kernel_size = 3, .bias = false}),
      nn::BatchNorm2d(4));
  CHECK(nn::summary(lean, {1, 1, 6, 6}).find("note") == std::string::npos);
}
