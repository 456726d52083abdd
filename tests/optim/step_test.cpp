// Which parameters a step changes: all that it should, or none.
#include <doctest/doctest.h>

#include <string>

#include "../../core/base/allocator.h"
#include "../../core/ops.h"
#include "../../core/tape.h"
#include "../../optim/clip.h"
#include "../../optim/ema.h"
#include "../support/errors.h"
#include "../support/warnings.h"
#include "all_optimizers.h"

using namespace gradus;
using test::all_optimizers, test::message_of, test::OptimizerCase;

namespace {

using Values = std::vector<float>;

constexpr int64_t n = 1 << 15;

NamedTensors four_parameters() {
  NamedTensors list;
  for (const char* name : {"a", "b", "c", "d"}) {
    Tensor p = ones({n}).requires_grad_();
    p.set_grad(full({n}, 2));
    list.push_back({name, p});
  }
  return list;
}

float first(const Tensor& x) {
  return x.data<float>()[0];
}

/// Runs `f` with room for `extra` bytes more than what is in use.
template <class F>
std::string with_room(size_t extra, const F& f) {
  const size_t before = memory_limit();
  release_cached_memory();
  set_memory_limit(static_cast<size_t>(allocator_statistics().system_bytes) + extra);
  std::string message = message_of(f);
  set_memory_limit(before);
  return message;
}

}  // namespace

TEST_CASE("a parameter that was frozen with a gradient stays as it is, and so does its state") {
  for (const OptimizerCase& each : all_optimizers()) {
    CAPTURE(each.name);
    Tensor frozen = ones({3}).requires_grad_(), other = ones({3}).requires_grad_();
    const auto optimizer =
        each.make({{.parameters = {{"frozen", frozen}, {"other", other}}}}, false);
    const auto step = [&] {
      frozen.set_grad(ones({3}));
      other.set_grad(ones({3}));
      optimizer->step();
    };
    step();
    const Values before = frozen.to_vector<float>(), moved = other.to_vector<float>();
    frozen.requires_grad_(false);
    step();
    CHECK(frozen.to_vector<float>() == before);
    CHECK(other.to_vector<float>() != moved);
    for (const NamedTensor& state : optimizer->state_dict()) {
      if (state.name == "frozen.step") CHECK(state.tensor.item() == 1);
    }
    frozen.requires_grad_();
    step();
    CHECK(frozen.to_vector<float>() != before);
  }
}

TEST_CASE("a step at the limit of memory changes all parameters or none") {
  for (const OptimizerCase& each : all_optimizers()) {
    CAPTURE(each.name);
    int refused = 0;
    for (size_t extra = 0; extra < 12; ++extra) {
      const NamedTensors parameters = four_parameters();
      const auto optimizer = each.make({{.parameters = parameters}}, false);
      const std::string message =
          with_room(extra * 3 * n * sizeof(float) / 2 + 4096, [&] { optimizer->step(); });
      const bool stepped = message == "no error";
      if (!stepped) ++refused;
      for (const auto& [name, p] : parameters) CHECK((first(p) != 1) == stepped);
      CHECK((optimizer->state_dict().size() > 4) == stepped);
    }
    CHECK((refused > 0) == (each.name != "SGD"));  // which has no state
  }
}

TEST_CASE("clipping at the limit of memory changes all gradients or none") {
  const auto run = [](const auto& clip) {
    int refused = 0;
    for (size_t extra = 0; extra < 6; ++extra) {
      const NamedTensors parameters = four_parameters();
      const std::string message =
          with_room(extra * n * sizeof(float) + 4096, [&] { clip(parameters); });
      const bool clipped = message == "no error";
      if (!clipped) ++refused;
      for (const auto& [name, p] : parameters) CHECK((first(p.grad()) != 2) == clipped);
    }
    CHECK(refused > 0);
    CHECK(refused < 6);
  };
  run([](const NamedTensors& p) { optim::clip_grad_norm_(p, 1); });
  run([](const NamedTensors& p) { optim::clip_grad_value_(p, 1); });
}

TEST_CASE("averages move and come back where there is no memory left") {
  const NamedTensors parameters = four_parameters();
  optim::EMA ema(parameters, {.decay = 0.5});
  {
    const NoGrad pause;
    for (auto [name, p] : parameters) p.fill_(3);
  }
  CHECK(with_room(0, [&] { ema.update(); }) == "no error");
  CHECK(first(ema.state_dict()[3].tensor) == 2);
  const size_t before = memory_limit();
  {
    const optim::EMAScope averaged(ema);
    CHECK(first(parameters[2].tensor) == 2);
    release_cached_memory();
    set_memory_limit(static_cast<size_t>(allocator_statistics().system_bytes));
  }
  set_memory_limit(before);
  for (const auto& [name, p] : parameters) CHECK(first(p) == 3);
}

TEST_CASE("a step in which no parameter has a gradient says so once") {
  const test::Warnings warnings;
  NamedTensors parameters = four_parameters();
  optim::Adam adam(parameters);
  adam.step();
  CHECK(warnings.text().empty());
  parameters[0].tensor.requires_grad_(false);
  adam.zero_grad();
  parameters[0].tensor.set_grad(ones({n}));  // has one, and is frozen
  const Values before = parameters[0].tensor.to_vector<float>();
  adam.step();
  adam.step();
  CHECK(
      warnings.text() ==
      "gradus: warning: [Adam] step() changed nothing: 3 of 4 parameters have no gradient, 1 does "
      "not ask for one. Hint: backward() comes before step(), zero_grad() after it; "
      "requires_grad_() sets a frozen parameter free\n");
  CHECK(parameters[0].tensor.to_vector<float>() == before);
}

TEST_CASE("state or a gradient that no longer fits is an error, and then nothing is changed") {
  NamedTensors parameters = four_parameters();
  optim::Adam adam(parameters);
  adam.step();
  Tensor& last = parameters[3].tensor;
  last.set_data(last.detach().to(float64));
  const float before = first(parameters[0].tensor);
  CHECK(message_of([&] { adam.step(); }) ==
        "[Adam] parameter d is float64 [32768], its gradient float32. Hint: clear gradients with "
        "zero_grad() after converting parameters");
  last.set_grad(ones({n}, float64));
  CHECK(message_of([&] { adam.step(); }) ==
        "[Adam] parameter d is float64 [32768], its state exp_avg float32. Hint: convert "
        "parameters before the first step, or build a new optimizer");
  CHECK(first(parameters[0].tensor) == before);
  optim::EMA ema({parameters[0]});
  parameters[0].tensor.set_data(parameters[0].tensor.detach().to(float64));
  CHECK(message_of([&] { ema.update(); }).starts_with("[EMA] a is float64 [32768], its average "));
  CHECK(ema.updates() == 0);
}
