#include "../../nn/training_mode.h"

#include <doctest/doctest.h>

#include "../../nn/activation.h"
#include "../../nn/dropout.h"
#include "../../nn/linear.h"
#include "../../nn/norm.h"
#include "../../nn/sequential.h"

using namespace gradus;

namespace {

nn::Sequential make_net() {
  nn::Sequential net;
  net.add("fc", nn::Linear(2, 3));
  net.add("bn", nn::BatchNorm1d(3));
  net.add("block", nn::Sequential(nn::ReLU(), nn::Dropout(), nn::Dropout(0)));
  net.add("ln", nn::LayerNorm(3));
  return net;
}

}  // namespace

TEST_CASE("a mode scope gives every module back its own mode") {
  nn::Sequential net = make_net();
  net[1].eval();
  {
    const nn::ModeScope evaluating(net, nn::Mode::evaluation);
    CHECK_FALSE(net.is_training());
    CHECK_FALSE(net[2].children()[0]->is_training());
    const nn::ModeScope training(net, nn::Mode::training);
    CHECK(net[1].is_training());
  }
  CHECK(net.is_training());
  CHECK_FALSE(net[1].is_training());
  CHECK(net[2].children()[0]->is_training());
}

TEST_CASE("modules whose training mode matters are listed, and named in a warning") {
  nn::Sequential net = make_net();
  CHECK(nn::training_modules(net) == std::vector<std::string>{"bn", "block.1"});
  CHECK(nn::evaluation_warning(net) ==
        "evaluated in training mode, which changes what these layers do: bn, block.1. Call eval() "
        "first");
  dynamic_cast<nn::BatchNorm1d&>(net[1]).freeze({.statistics = true});
  CHECK(nn::training_modules(net) == std::vector<std::string>{"block.1"});
  net.eval();
  CHECK(nn::evaluation_warning(net).empty());
}

TEST_CASE("a long warning is cut short") {
  nn::Sequential net;
  for (int i = 0; i < 5; ++i) net.add(nn::BatchNorm1d(2));
  CHECK(nn::evaluation_warning(net).find(": 0, 1, 2 and 2 more. Call") != std::string::npos);
}
