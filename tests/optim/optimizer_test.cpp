// Optimizers against small cases computed by hand, and what all of them have in common.
#include "../../optim/optimizer.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <string>

#include "../../core/ops.h"
#include "../../core/tape.h"
#include "../../optim/adam.h"
#include "../../optim/sgd.h"
#include "../support/errors.h"
#include "../support/processor_time.h"

using namespace gradus;
using optim::Adam, optim::AdamW, optim::SGD;
using test::message_of;

namespace {

Tensor parameter(double value) {
  return full({}, value, float64).requires_grad_();
}

void set_gradient(Tensor& p, double g) {
  p.set_grad(full({}, g, float64));
}

/// One step with gradient g; the new value.
double step(optim::Optimizer& optimizer, Tensor& p, double g) {
  set_gradient(p, g);
  optimizer.step();
  return p.item();
}

}  // namespace

TEST_CASE("sgd steps against the gradient") {
  Tensor p = parameter(1);
  SGD sgd(NamedTensors{{"p", p}}, {.lr = 0.5});
  CHECK(step(sgd, p, 2) == 0);
  CHECK(step(sgd, p, -1) == 0.5);
}

TEST_CASE("sgd adds weight decay to the gradient") {
  Tensor p = parameter(2);
  SGD sgd(NamedTensors{{"p", p}}, {.lr = 0.5, .weight_decay = 0.25});
  CHECK(step(sgd, p, 1) == 2 - 0.5 * (1 + 0.5));
}

TEST_CASE("momentum keeps gradients, so a new lr acts at once") {
  Tensor p = parameter(0);
  SGD sgd(NamedTensors{{"p", p}}, {.lr = 1, .momentum = 0.5});
  CHECK(step(sgd, p, 1) == -1);    // buffer 1
  CHECK(step(sgd, p, 1) == -2.5);  // buffer 1.5
  sgd.set_lr(0.1);
  CHECK(step(sgd, p, 0.25) == -2.6);  // buffer 1
}

TEST_CASE("dampening does not act on the first step") {
  Tensor p = parameter(0);
  SGD sgd(NamedTensors{{"p", p}}, {.lr = 1, .momentum = 0.5, .dampening = 0.75});
  CHECK(step(sgd, p, 1) == -1);     // buffer 1
  CHECK(step(sgd, p, 1) == -1.75);  // buffer 0.5 + 0.25
}

TEST_CASE("nesterov looks ahead") {
  Tensor p = parameter(0);
  SGD sgd(NamedTensors{{"p", p}}, {.lr = 1, .momentum = 0.5, .nesterov = true});
  CHECK(step(sgd, p, 1) == -1.5);               // 1 + 0.5 * 1
  CHECK(step(sgd, p, 1) == -1.5 - (1 + 0.75));  // buffer 1.5
}

TEST_CASE("maximize steps along the gradient") {
  Tensor p = parameter(0), q = parameter(0);
  SGD sgd(NamedTensors{{"p", p}}, {.lr = 1, .momentum = 0.5, .maximize = true});
  CHECK(step(sgd, p, 1) == 1);
  Adam adam(NamedTensors{{"q", q}}, {.lr = 1, .maximize = true});
  CHECK(step(adam, q, 1) > 0.99);
}

TEST_CASE("adam follows its formula") {
  const double b1 = 0.8, b2 = 0.9, lr = 0.1, eps = 0.01;
  Tensor p = parameter(1);
  Adam adam(NamedTensors{{"p", p}}, {.lr = lr, .betas = {b1, b2}, .eps = eps});
  double x = 1, m = 0, v = 0;
  for (int t = 1; t <= 5; ++t) {
    const double g = std::sin(t);
    m = b1 * m + (1 - b1) * g;
    v = b2 * v + (1 - b2) * g * g;
    x -= lr * (m / (1 - std::pow(b1, t))) / (std::sqrt(v / (1 - std::pow(b2, t))) + eps);
    CHECK(step(adam, p, g) == doctest::Approx(x).epsilon(1e-13));
  }
}

TEST_CASE("the first step of adam has size lr, whatever the gradient") {
  for (const double g : {1e-3, 1.0, 1e3}) {
    Tensor p = parameter(0);
    Adam adam(NamedTensors{{"p", p}}, {.lr = 0.1});
    CHECK(step(adam, p, g) == doctest::Approx(-0.1).epsilon(1e-4));
  }
}

TEST_CASE("amsgrad divides by the largest second moment") {
  Tensor p = parameter(0);
  Adam adam(NamedTensors{{"p", p}}, {.lr = 1, .betas = {0, 0.5}, .eps = 0, .amsgrad = true});
  step(adam, p, 4);  // v = 8, corrected 16
  const double before = p.item();
  // v = 4.5 now, but 8 stays; both corrected by 1 - 0.25.
  CHECK(step(adam, p, 1) == doctest::Approx(before - 1 / std::sqrt(8 / 0.75)));
}

TEST_CASE("adam decays through the moments, adamw does not") {
  Tensor p = parameter(1), q = parameter(1);
  Adam adam(NamedTensors{{"p", p}}, {.lr = 0.1, .weight_decay = 0.5});
  AdamW adamw(NamedTensors{{"q", q}}, {.lr = 0.1, .weight_decay = 0.5});
  CHECK(step(adam, p, 0) == doctest::Approx(0.9));    // g = 0.5, normalized to 1
  CHECK(step(adamw, q, 0) == doctest::Approx(0.95));  // 1 - 0.1 * 0.5, no gradient
}

TEST_CASE("groups have settings of their own") {
  Tensor a = parameter(1), b = parameter(1);
  SGD sgd({{.parameters = {{"a", a}}, .lr = 0.1},
           {.parameters = {{"b", b}}, .weight_decay = 0.0, .momentum = 0.5}},
          {.lr = 1, .weight_decay = 0.5});
  CHECK(sgd.group_count() == 2);
  set_gradient(a, 1);
  set_gradient(b, 1);
  sgd.step();
  sgd.step();
  CHECK(a.item() == doctest::Approx((1 - 0.15) - 0.1 * (1 + 0.5 * 0.85)));
  CHECK(b.item() == doctest::Approx(1 - 1 - 1.5));
  sgd.set_settings(1, {.lr = 2, .weight_decay = 0, .momentum = 0.25});
  CHECK(sgd.lr(0) == 0.1);
  CHECK(sgd.lr(1) == 2);
  sgd.set_lr(3);
  CHECK(sgd.lr(0) == 3);
  CHECK(message_of([&] { sgd.settings(2); }) ==
        "[SGD] no group 2, there are 2. Hint: groups are numbered from 0");
}

TEST_CASE("a parameter without gradient is passed over and its state does not advance") {
  Tensor a = parameter(0), b = parameter(0);
  Adam adam(NamedTensors{{"a", a}, {"b", b}}, {.lr = 0.1});
  step(adam, a, 1);
  CHECK(b.item() == 0);
  set_gradient(a, 1);
  CHECK(step(adam, b, 1) == doctest::Approx(-0.1));  // the first step of b
}

TEST_CASE("a step leaves gradients as they are and is possible under a tape") {
  Tensor p = parameter(2);
  SGD sgd(NamedTensors{{"p", p}}, {.lr = 0.1, .momentum = 0.9, .weight_decay = 1});
  Tape tape;
  tape.backward(p * p);
  const Tensor gradient = p.grad();
  sgd.step();
  CHECK(p.grad().is_same(gradient));
  CHECK(gradient.item() == 4);
  sgd.zero_grad();
  CHECK_FALSE(p.grad().defined());
}

TEST_CASE("an expanded gradient and a float32 parameter of odd size") {
  Tensor p = zeros({3, 7});
  p.requires_grad_();
  Adam adam(NamedTensors{{"p", p}}, {.lr = 0.5});
  p.set_grad(ones({1, 1}).expand({3, 7}));
  adam.step();
  for (const float v : p.to_vector<float>()) CHECK(v == doctest::Approx(-0.5));
}

TEST_CASE("a state continues where it was saved") {
  const auto run = [](Tensor& p, optim::Optimizer& o, int from, int to) {
    for (int t = from; t < to; ++t) step(o, p, std::cos(t));
  };
  Tensor p = parameter(1), q = parameter(1);
  Adam whole(NamedTensors{{"w", p}}, {.lr = 0.1, .amsgrad = true});
  run(p, whole, 0, 3);
  whole.set_lr(0.05);
  run(p, whole, 3, 10);

  NamedTensors saved;
  {
    Adam first(NamedTensors{{"w", q}}, {.lr = 0.1, .amsgrad = true});
    run(q, first, 0, 3);
    first.set_lr(0.05);
    saved = first.state_dict();
    run(q, first, 3, 4);  // must not change what was saved
    q.detach().fill_(1);
  }
  Tensor again = parameter(1);
  Adam second(NamedTensors{{"w", again}}, {.lr = 0.1, .amsgrad = true});
  run(again, second, 0, 3);
  Adam third(NamedTensors{{"w", again}}, {.lr = 77, .amsgrad = true});
  third.load_state_dict(saved);
  CHECK(third.lr() == 0.05);
  run(again, third, 3, 10);
  CHECK(again.item() == p.item());  // to the last bit
}

TEST_CASE("the state has PyTorch's names, under the parameters' names") {
  Tensor a = parameter(0), b = parameter(0);
  Adam adam(NamedTensors{{"fc.weight", a}, {"fc.bias", b}});
  step(adam, a, 1);
  std::vector<std::string> names;
  for (const NamedTensor& t : adam.state_dict()) names.push_back(t.name);
  CHECK(names == std::vector<std::string>{"param_groups.lr", "param_groups.weight_decay",
                                          "param_groups.momentum", "param_groups.l1_decay",
                                          "fc.weight.step", "fc.weight.exp_avg",
                                          "fc.weight.exp_avg_sq"});
}

TEST_CASE("loading a state lists every problem and changes nothing") {
  Tensor a = parameter(0);
  Adam adam(NamedTensors{{"a", a}}, {.lr = 0.5});
  step(adam, a, 1);
  NamedTensors state = adam.state_dict();
  state[0].tensor = ones({2}, float64);  // two groups
  state[5].tensor = ones({3}, float64);  // exp_avg
  state[6].name = "b.exp_avg_sq";
  CHECK(message_of([&] { adam.load_state_dict(state); }) ==
        "[Adam] the state does not fit, nothing was loaded: param_groups.lr is float64 [2], "
        "expected float64 [1]; a.exp_avg is float64 [3], expected float64 []; missing: "
        "a.exp_avg_sq; unexpected: b.exp_avg_sq. Hint: it must come from an optimizer of the same "
        "kind, parameters and groups");
  CHECK(adam.lr() == 0.5);
  CHECK(adam.state_dict().size() == 7);
}

TEST_CASE("parameters that cannot be optimized are refused") {
  Tensor a = parameter(0), b = parameter(0);
  CHECK(
      message_of([&] { SGD(NamedTensors{}, {.lr = 0.1}); }) ==
      "[SGD] no parameters to optimize. Hint: pass net.named_parameters(); a net of your own "
      "knows its layers where they are registered: nn::Linear& head = child<nn::Linear>(\"head\", "
      "8, 2), not a plain member");
  CHECK(message_of([&] {
          SGD({{.parameters = {{"a", a}}}, {.parameters = {{"b", a}}}}, {.lr = 0.1});
        }) ==
        "[SGD] parameter b was given before as a. Hint: each parameter belongs to one group, "
        "once");
  CHECK(message_of([&] {
          SGD(NamedTensors{{"a", a}, {"a", b}}, {.lr = 0.1});
        }).starts_with("[SGD] two parameters are named a"));
  CHECK(message_of([&] {
          Adam(NamedTensors{{"i", zeros({2}, int64)}});
        }).starts_with("[Adam] parameter i is int64 [2]"));
  CHECK(message_of([&] {
          Adam(NamedTensors{{"t", ones({2, 3}).transpose(0, 1)}});
        }).starts_with("[Adam] parameter t [3,2] is not in row-major order"));
  CHECK(message_of([&] {
          Adam(NamedTensors{{"u", Tensor()}});
        }) == "[Adam] parameter u is undefined. Hint: pass module.named_parameters()");
}

TEST_CASE("very many parameters are taken in linear time") {
  NamedTensors parameters;
  for (int i = 0; i < 150'000; ++i) parameters.push_back({std::to_string(i), parameter(0)});
  CHECK(test::processor_seconds([&] { SGD{parameters}; }) < 5);
}

TEST_CASE("settings that make no sense are refused") {
  const Tensor p = parameter(0);
  const NamedTensors ps = {{"p", p}};
  CHECK(message_of([&] { SGD(ps, {.lr = -0.5}); }) ==
        "[SGD] lr must be a number of at least 0, got -0.5. Hint: to go up the gradient, set "
        "maximize = true");
  CHECK(message_of([&] { SGD(ps, {.lr = std::nan("")}); }) ==
        "[SGD] lr must be a number of at least 0, got nan. Hint: 1e-3 is usual for Adam, 0.1 "
        "for SGD");
  CHECK(message_of([&] { SGD(ps, {.momentum = -0.5}); }) ==
        "[SGD] momentum must be a number of at least 0, got -0.5. Hint: 0 is none");
  CHECK(message_of([&] { SGD(ps, {.weight_decay = -1e-4}); }) ==
        "[SGD] weight_decay must be a number of at least 0, got -0.0001. Hint: 0 is none");
  CHECK(message_of([&] { SGD(ps, {.nesterov = true}); }) ==
        "[SGD] nesterov needs momentum and no dampening, got momentum 0, dampening 0. Hint: "
        "{.momentum = 0.9, .nesterov = true} is usual");
  CHECK(message_of([&] {
          SGD(ps, {.momentum = 0.9, .dampening = 0.1, .nesterov = true});
        }).starts_with("[SGD] nesterov needs momentum and no dampening"));
  CHECK(message_of([&] {
          Adam(ps, {.betas = {1.0, 0.999}});
        }) ==
        "[Adam] betas[0] must be in [0, 1), got 1. Hint: it is the share of the average that a "
        "step keeps; 0.9 and more are usual");
  CHECK(message_of([&] {
          AdamW(ps, {.betas = {0.9, 1.5}});
        }) ==
        "[AdamW] betas[1] must be in [0, 1), got 1.5. Hint: it is the share of the average that a "
        "step keeps; 0.9 and more are usual");
  CHECK(message_of([&] { Adam(ps, {.eps = -1e-8}); }) ==
        "[Adam] eps must be a number of at least 0, got -1e-08. Hint: it keeps the divisor from 0; "
        "1e-8 is usual");
  CHECK(message_of([&] {
          Adam(ps, {.weight_decay = -0.1});
        }).starts_with("[Adam] weight_decay must be"));
  CHECK(message_of([&] { Adam(ps, {.l1_decay = -0.1}); }) ==
        "[Adam] l1_decay must be a number of at least 0, got -0.1. Hint: 0 is none");
  SGD sgd(ps, {.lr = 0.1});
  CHECK_THROWS_AS(sgd.set_lr(-1), ValueError);
  CHECK(sgd.lr() == 0.1);
  CHECK(message_of([&] { sgd.set_settings(0, {.lr = 0.1, .momentum = 0.9}); }) ==
        "[SGD] was built without momentum, cannot set it to 0.9. Hint: SGD and RMSprop have one "
        "where it was given when building them");
}
