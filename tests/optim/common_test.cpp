// What all optimizers have in common.
#include <doctest/doctest.h>

#include <cmath>
#include <cstring>

#include "../../core/base/allocator.h"
#include "../../core/base/parallel_for.h"
#include "../../core/ops.h"
#include "../../core/simd/isa.h"
#include "../support/errors.h"
#include "all_optimizers.h"

using namespace gradus;
using test::all_optimizers, test::message_of, test::OptimizerCase;

namespace {

Tensor random(const Shape& shape, uint64_t seed, DType dtype = float32) {
  Rng generator(seed);
  return randn(shape, generator, dtype);
}

std::vector<optim::ParameterGroup> one_group(const Tensor& p) {
  return {{.parameters = {{"p", p}}}};
}

/// Steps number `from` to `to` with gradients that depend on the number alone.
void run(optim::Optimizer& optimizer, Tensor& p, uint64_t from, uint64_t to) {
  for (uint64_t t = from; t < to; ++t) {
    p.set_grad(random(p.shape(), 100 + t, float64).to(p.dtype()));
    optimizer.step();
  }
}

Tensor start(const Shape& shape = {5, 7}, DType dtype = float32) {
  return random(shape, 1, float64).to(dtype).requires_grad_();
}

bool same_bits(const Tensor& a, const Tensor& b) {
  return a.shape() == b.shape() && a.dtype() == b.dtype() &&
         std::memcmp(a.raw_data(), b.raw_data(), static_cast<size_t>(a.nbytes())) == 0;
}

double distance(const Tensor& a, const Tensor& b) {
  return amax(abs(sub(a.detach().to(float64), b.detach().to(float64)))).item();
}

}  // namespace

TEST_CASE("every optimizer goes down a bowl") {
  for (const OptimizerCase& each : all_optimizers()) {
    CAPTURE(each.name);
    Tensor p = full({3}, 1, float64).requires_grad_();
    const auto optimizer = each.make(one_group(p), false);
    if (each.name == "Adadelta") optimizer->set_lr(20);  // starts with steps of sqrt(eps)
    for (int t = 0; t < 100; ++t) {
      p.set_grad(mul(p.detach(), 2));
      optimizer->step();
      if (t == 0) CHECK(sum(square(p.detach())).item() < 3);
    }
    CHECK(sum(square(p.detach())).item() < 1.5);
  }
}

TEST_CASE("a saved state continues bit by bit") {
  for (const OptimizerCase& each : all_optimizers()) {
    CAPTURE(each.name);
    Tensor whole = start(), parts = start();
    const auto first = each.make(one_group(whole), false);
    run(*first, whole, 0, 9);
    NamedTensors saved;
    {
      const auto second = each.make(one_group(parts), false);
      run(*second, parts, 0, 4);
      saved = second->state_dict();
    }
    const auto third = each.make(one_group(parts), false);
    third->load_state_dict(saved);
    run(*third, parts, 4, 9);
    CHECK(same_bits(whole, parts));
  }
}

TEST_CASE("threads do not change a bit") {
  const int before = num_threads();
  for (const OptimizerCase& each : all_optimizers()) {
    CAPTURE(each.name);
    std::vector<Tensor> results;
    for (const int threads : {1, 2, 3}) {
      set_num_threads(threads);
      Tensor p = start({50'001});  // several pieces, the last of them odd
      const auto optimizer = each.make(one_group(p), false);
      run(*optimizer, p, 0, 3);
      results.push_back(p);
    }
    CHECK(same_bits(results[0], results[1]));
    CHECK(same_bits(results[0], results[2]));
  }
  set_num_threads(before);
}

TEST_CASE("all instruction sets agree") {
  const kernels::Isa before = kernels::isa();
  for (const OptimizerCase& each : all_optimizers()) {
    CAPTURE(each.name);
    std::vector<Tensor> results;
    for (const kernels::Isa isa :
         {kernels::Isa::baseline, kernels::Isa::avx2, kernels::Isa::avx512}) {
      if (!kernels::is_supported(isa)) continue;
      kernels::set_isa(isa);
      Tensor p = start({101}, float64);
      const auto optimizer = each.make(one_group(p), false);
      run(*optimizer, p, 0, 5);
      results.push_back(p);
    }
    for (const Tensor& result : results) CHECK(distance(result, results[0]) < 1e-12);
  }
  kernels::set_isa(before);
}

TEST_CASE("no state fades into denormal numbers") {
  for (const OptimizerCase& each : all_optimizers()) {
    CAPTURE(each.name);
    Tensor p = start();
    const auto optimizer = each.make(one_group(p), false);
    for (int t = 0; t < 100; ++t) {
      p.set_grad(full(p.shape(), t == 0 ? 1e-18 : 0));  // with a square of 1e-36
      optimizer->step();
    }
    for (const NamedTensor& state : optimizer->state_dict()) {
      if (state.tensor.dtype() != float32) continue;
      CAPTURE(state.name);
      for (const float v : state.tensor.to_vector<float>()) {
        REQUIRE(std::fpclassify(v) != FP_SUBNORMAL);
      }
    }
  }
}

TEST_CASE("float32 follows float64") {
  for (const OptimizerCase& each : all_optimizers()) {
    CAPTURE(each.name);
    Tensor narrow = start(), wide = start({5, 7}, float64);
    run(*each.make(one_group(narrow), false), narrow, 0, 10);
    run(*each.make(one_group(wide), false), wide, 0, 10);
    CHECK(distance(narrow, wide) < 1e-5);
    CHECK(distance(wide, start()) > 1e-3);  // it moved
  }
}

TEST_CASE("a gradient whose square is no float moves its parameter and leaves finite state") {
  for (const OptimizerCase& each : all_optimizers()) {
    CAPTURE(each.name);
    if (each.name == "Adagrad") continue;  // its state is the sum of the squares themselves
    Tensor p = zeros({2}).requires_grad_();
    const auto optimizer = each.make(one_group(p), false);
    p.set_grad(tensor({2e19F, 1.0F}));
    optimizer->step();
    const Tensor once = p.detach().clone();
    CHECK(once.to_vector<float>()[0] < 0);
    p.set_grad(tensor({1e19F, 1.0F}));
    optimizer->step();
    CHECK(p.to_vector<float>()[0] < once.to_vector<float>()[0]);
    for (const NamedTensor& state : optimizer->state_dict()) {
      CAPTURE(state.name);
      if (is_floating(state.tensor.dtype())) CHECK(all_finite(state.tensor));
    }
  }
}

TEST_CASE("to maximize is to minimize with the gradient reversed") {
  for (const OptimizerCase& each : all_optimizers()) {
    CAPTURE(each.name);
    Tensor up = start(), down = start();
    const auto climbing = each.make(one_group(up), true);
    const auto falling = each.make(one_group(down), false);
    for (uint64_t t = 0; t < 4; ++t) {
      const Tensor g = random(up.shape(), t);
      up.set_grad(g);
      down.set_grad(neg(g));
      climbing->step();
      falling->step();
    }
    CHECK(same_bits(up, down));
  }
}

TEST_CASE("decay terms are terms of the gradient, in every optimizer that has them") {
  for (const OptimizerCase& each : all_optimizers()) {
    if (!each.has_l1_decay) continue;
    CAPTURE(each.name);
    Tensor decaying = start({5, 7}, float64), by_hand = start({5, 7}, float64);
    decaying.view({1}, {1}).fill_(0);  // the sign of 0 is 0
    by_hand.view({1}, {1}).fill_(0);
    std::vector<optim::ParameterGroup> groups = one_group(decaying);
    groups[0].weight_decay = 0.5;
    groups[0].l1_decay = 0.25;
    const auto with_decay = each.make(groups, false);
    const auto without = each.make(one_group(by_hand), false);
    for (uint64_t t = 0; t < 4; ++t) {
      const Tensor g = random(decaying.shape(), t, float64), x = by_hand.detach();
      decaying.set_grad(g);
      by_hand.set_grad(g + 0.5 * x + 0.25 * sign(x));
      with_decay->step();
      without->step();
    }
    CHECK(distance(decaying, by_hand) < 1e-12);
  }
}

TEST_CASE("what has no momentum or no l1_decay says so") {
  for (const OptimizerCase& each : all_optimizers()) {
    CAPTURE(each.name);
    const Tensor p = start();
    const auto optimizer = each.make(one_group(p), false);
    CHECK(optimizer->has_momentum() == each.has_momentum);
    optim::GroupSettings changed = optimizer->settings();
    changed.momentum = 0.5;
    const std::string momentum = message_of([&] { optimizer->set_settings(0, changed); });
    changed = optimizer->settings();
    changed.l1_decay = 0.5;
    const std::string l1 = message_of([&] { optimizer->set_settings(0, changed); });
    const std::string type = "[" + optimizer->type() + "] ";
    CHECK(momentum == (each.has_momentum
                           ? "no error"
                           : type + "was built without momentum, cannot set it to 0.5. Hint: SGD "
                                    "and RMSprop have one where it was given when building them"));
    CHECK(l1 == (each.has_l1_decay
                     ? "no error"
                     : type + "has no l1_decay, cannot set it to 0.5. Hint: its weight decay does "
                              "not pass through the gradient"));
  }
}

TEST_CASE("a parameter without gradient keeps its value and its state") {
  for (const OptimizerCase& each : all_optimizers()) {
    CAPTURE(each.name);
    Tensor a = start(), b = start();
    const auto optimizer = each.make({{.parameters = {{"a", a}, {"b", b}}}}, false);
    run(*optimizer, a, 0, 2);
    CHECK(same_bits(b, start()));
    a.set_grad({});
    run(*optimizer, b, 0, 2);
    CHECK(same_bits(a, b));  // the same two steps, as if the other had not been there
  }
}

TEST_CASE("a parameter without elements is no problem") {
  for (const OptimizerCase& each : all_optimizers()) {
    CAPTURE(each.name);
    Tensor p = start({0, 3});
    run(*each.make(one_group(p), false), p, 0, 2);
    CHECK(p.numel() == 0);
  }
}

TEST_CASE("a step returns every tensor and every byte") {
  for (const OptimizerCase& each : all_optimizers()) {
    CAPTURE(each.name);
    Tensor p = start();
    const auto optimizer = each.make(one_group(p), false);
    run(*optimizer, p, 0, 1);
    const int64_t tensors = live_tensors(), bytes = live_bytes();
    run(*optimizer, p, 1, 5);
    CHECK(live_tensors() == tensors);
    CHECK(live_bytes() == bytes);
  }
}

TEST_CASE("settings of all groups change together or not at all") {
  const Tensor a = start(), b = start();
  optim::Adam adam({{.parameters = {{"a", a}}}, {.parameters = {{"b", b}}}}, {.lr = 0.5});
  CHECK_THROWS_AS(adam.set_all_settings({{.lr = 0.25}, {.lr = -1}}), ValueError);
  CHECK(message_of([&] { adam.set_all_settings({{.lr = 0.25}}); }) ==
        "[Adam] got settings for 1 groups, there are 2. Hint: one per group, in their order");
  CHECK(adam.lr(0) == 0.5);
  adam.set_all_settings({{.lr = 0.25}, {.lr = 0.125}});
  CHECK(adam.lr(0) == 0.25);
  CHECK(adam.lr(1) == 0.125);
}

TEST_CASE("decay_groups parts what decays from what does not") {
  const NamedTensors parameters = {{"conv.weight", zeros({8, 3, 3, 3})},
                                   {"conv.bias", zeros({8})},
                                   {"fc.weight", zeros({2, 8})}};
  const auto names = [](const optim::ParameterGroup& group) {
    std::vector<std::string> result;
    for (const NamedTensor& p : group.parameters) result.push_back(p.name);
    return result;
  };
  const auto groups = optim::decay_groups(
      parameters, 0.05, [](const NamedTensor& p) { return p.name.ends_with("weight"); });
  REQUIRE(groups.size() == 2);
  CHECK(names(groups[0]) == std::vector<std::string>{"conv.weight", "fc.weight"});
  CHECK(groups[0].weight_decay == 0.05);
  CHECK(names(groups[1]) == std::vector<std::string>{"conv.bias"});
  CHECK(groups[1].weight_decay == 0);

  const optim::AdamW adamw(groups, {.lr = 0.1, .weight_decay = 0.3});
  CHECK(adamw.settings(0).weight_decay == 0.05);
  CHECK(adamw.settings(1).weight_decay == 0);
  const optim::SGD sgd(groups, {.lr = 0.1, .l1_decay = 0.2});
  CHECK(sgd.settings(0).l1_decay == 0.2);
  CHECK(sgd.settings(1).l1_decay == 0);
}
