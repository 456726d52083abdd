// Layers that a net computes with and does not know.
#include <doctest/doctest.h>

#include "../../nn/activation.h"
#include "../../nn/check_parameters.h"
#include "../../nn/linear.h"
#include "../../nn/sequential.h"
#include "../../nn/summary.h"
#include "../support/errors.h"
#include "../support/text.h"

using namespace gradus;
using namespace gradus::test;

namespace {

/// As someone new writes it: the second layer is a plain member.
struct Forgetful : nn::Module {
  nn::Linear& first = child<nn::Linear>("first", 4, 3);
  nn::Linear second{3, 2};
  Tensor forward(const Tensor& x) override { return second(relu(first(x))); }
  std::string type() const override { return "Forgetful"; }
};

struct WithSpare : nn::Module {
  nn::Linear& used = child<nn::Linear>("used", 4, 2);
  nn::Linear& spare = child<nn::Linear>("spare", 4, 2);
  Tensor forward(const Tensor& x) override { return used(x); }
  std::string type() const override { return "WithSpare"; }
};

}  // namespace

TEST_CASE("a layer that is a plain member is found by the tape of a training step") {
  nn::Sequential net;
  net.add("body", Forgetful());
  Tape tape;
  net(ones({5, 4}));
  CHECK(message_of([&] { nn::check_parameters(net, tape); }) ==
        "[check_parameters] these tensors ask for a gradient and are no parameters of the net: "
        "[2,3] of linear in body, [2] of linear in body. Hint: register layers, as in nn::Linear& "
        "head = child<nn::Linear>(\"head\", 8, 2), and tensors with parameter(): plain members are "
        "neither trained nor saved");
  const nn::ParameterUse use = nn::parameter_use(net, tape);
  CHECK(use.unregistered.size() == 2);
  CHECK(use.unused.empty());
  CHECK(use.unregistered[0].path == "body");
}

TEST_CASE("parameters without use are found") {
  WithSpare net;
  {
    Tape tape;
    net(ones({5, 4}));
    CHECK(
        message_of([&] { nn::check_parameters(net, tape); }) ==
        "[check_parameters] these parameters were not used: spare.weight, spare.bias. Hint: leave "
        "out what the forward does not need, or freeze it with requires_grad_(false)");
  }
  net.spare.requires_grad_(false);
  Tape tape;
  net(ones({5, 4}));
  nn::check_parameters(net, tape);
}

TEST_CASE("an input that asks for a gradient is no forgotten layer where it is named") {
  nn::Linear net(4, 2);
  const Tensor x = ones({5, 4}).requires_grad_();
  Tape tape;
  net(x);
  CHECK_THROWS_AS(nn::check_parameters(net, tape), ValueError);
  nn::check_parameters(net, tape, {x});
}

TEST_CASE("a summary notes layers that are not registered and parameters without use") {
  Forgetful forgetful;
  const std::string text = nn::summary(forgetful, {5, 4});
  CHECK(contains(text,
                 "note: a tensor [2,3] of linear asks for a gradient and is no parameter of "
                 "the net, so it is neither trained nor saved; register layers with "
                 "child<Layer>(name, ...), tensors with parameter()\n"));
  CHECK(contains(text, "note: a tensor [2] of linear asks"));
  CHECK(!contains(text, "[5,4] of linear"));  // the input of the summary itself
  WithSpare spare;
  CHECK(contains(nn::summary(spare, {5, 4}),
                 "note: the forward does not use the parameter spare.weight\n"));
  nn::Sequential well(nn::Linear(4, 3), nn::ReLU(), nn::Linear(3, 2));
  CHECK(!contains(nn::summary(well, {5, 4}), "note"));
}
