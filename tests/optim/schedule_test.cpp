// Learning rate schedules: values, groups, ends, resuming, and what is refused.
#include "../../optim/schedule.h"

#include <doctest/doctest.h>

#include <cmath>

#include "../../core/ops.h"
#include "../../optim/adagrad.h"
#include "../../optim/adam.h"
#include "../../optim/plateau.h"
#include "../../optim/sgd.h"
#include "../support/errors.h"

using namespace gradus;
using namespace gradus::optim;
using test::message_of;

namespace {

Tensor parameter() {
  return zeros({1}, float64).requires_grad_();
}

SGD make_sgd(double lr, double momentum = 0) {
  return SGD(NamedTensors{{"p", parameter()}}, {.lr = lr, .momentum = momentum});
}

/// The rates that an optimizer with this rate is given, from step 0 on.
std::vector<double> rates(const Curve& curve, int steps, double lr = 1) {
  SGD sgd = make_sgd(lr);
  Schedule schedule(sgd, curve);
  std::vector<double> result = {sgd.lr()};
  while (static_cast<int>(result.size()) < steps) {
    schedule.step();
    result.push_back(sgd.lr());
  }
  return result;
}

void check_rates(const Curve& curve, const std::vector<double>& expected, double lr = 1) {
  const std::vector<double> found = rates(curve, static_cast<int>(expected.size()), lr);
  for (size_t t = 0; t < expected.size(); ++t) {
    CAPTURE(t);
    CHECK(found[t] == doctest::Approx(expected[t]).epsilon(1e-12));
  }
}

/// The message with which a schedule is refused.
std::string refusal(const Curve& curve) {
  SGD sgd = make_sgd(0.5);
  std::string message = message_of([&] { const Schedule schedule(sgd, curve); });
  CHECK(sgd.lr() == 0.5);
  return message;
}

}  // namespace

TEST_CASE("step, multi-step and exponential schedules multiply by gamma") {
  check_rates(StepLR{.step_size = 2, .gamma = 0.5}, {8, 8, 4, 4, 2, 2}, 8);
  check_rates(MultiStepLR{.milestones = {3, 1, 3}, .gamma = 0.5}, {8, 4, 4, 1, 1}, 8);
  check_rates(ExponentialLR{.gamma = 0.5}, {8, 4, 2, 1}, 8);
}

TEST_CASE("constant, linear and polynomial schedules end after total_iters") {
  check_rates(ConstantLR{.factor = 0.25, .total_iters = 2}, {2, 2, 8, 8}, 8);
  check_rates(LinearLR{.start_factor = 0.5, .end_factor = 1, .total_iters = 2}, {4, 6, 8, 8}, 8);
  check_rates(PolynomialLR{.total_iters = 4, .power = 2}, {16, 9, 4, 1, 0, 0}, 16);
}

TEST_CASE("a lambda gives a factor for each step") {
  check_rates(LambdaLR{{[](int64_t t) { return 1.0 / static_cast<double>(1 + t); }}},
              {6, 3, 2, 1.5}, 6);
}

TEST_CASE("a cosine falls to eta_min and rises again, a warm restart jumps back") {
  const double middle = (4.0 + 1) / 2, side = 1.5 / std::sqrt(2);
  check_rates(CosineAnnealingLR{.T_max = 4, .eta_min = 1},
              {4, middle + side, middle, middle - side, 1, middle - side, middle}, 4);
  check_rates(CosineAnnealingWarmRestarts{.T_0 = 2, .T_mult = 2, .eta_min = 1},
              {4, middle, 4, middle + side, middle, middle - side, 4}, 4);
  check_rates(CosineAnnealingWarmRestarts{.T_0 = 2, .eta_min = 1}, {4, middle, 4, middle, 4}, 4);
}

TEST_CASE("one cycle goes up, down, and ends far below its start") {
  const OneCycleLR cycle{.max_lr = 1,
                         .total_steps = 11,
                         .pct_start = 5.0 / 11,
                         .anneal_strategy = Anneal::linear,
                         .cycle_momentum = false,
                         .div_factor = 5,
                         .final_div_factor = 10};
  const std::vector<double> found = rates(cycle, 12);
  CHECK(found[0] == doctest::Approx(0.2));
  CHECK(found[2] == doctest::Approx(0.6));
  CHECK(found[4] == doctest::Approx(1));
  CHECK(found[7] == doctest::Approx((1 + 0.02) / 2));
  CHECK(found[10] == doctest::Approx(0.02));
  CHECK(found[11] == doctest::Approx(0.02));  // set after the last step, never used
}

TEST_CASE("one cycle moves momentum against the rate, and beta1 in adam") {
  SGD sgd = make_sgd(0.1, 0.9);
  Adam adam(NamedTensors{{"p", parameter()}});
  const OneCycleLR cycle{.max_lr = 1, .total_steps = 10, .pct_start = 0.5};
  Schedule first(sgd, cycle), second(adam, cycle);
  CHECK(sgd.settings().momentum == doctest::Approx(0.95));
  for (int t = 0; t < 4; ++t) {
    first.step();
    second.step();
  }
  CHECK(sgd.lr() == doctest::Approx(1));
  CHECK(sgd.settings().momentum == doctest::Approx(0.85));
  CHECK(adam.settings().momentum == doctest::Approx(0.85));
}

TEST_CASE("three phases are a hill with equal sides, then a slope") {
  const OneCycleLR cycle{.max_lr = 1,
                         .epochs = 2,
                         .steps_per_epoch = 6,
                         .pct_start = 0.25,
                         .cycle_momentum = false,
                         .three_phase = true};
  const std::vector<double> found = rates(cycle, 12);
  CHECK(found[0] == doctest::Approx(0.04));
  CHECK(found[2] == doctest::Approx(1));
  CHECK(found[4] == doctest::Approx(0.04));
  CHECK(found[11] == doctest::Approx(0.04 / 1e4));
}

TEST_CASE("a sequence hands over at its milestones, and each part counts from 0") {
  const SequentialLR sequence{
      .schedules = {LinearLR{.start_factor = 0.5, .total_iters = 2}, ExponentialLR{.gamma = 0.5},
                    ConstantLR{.factor = 0, .total_iters = 9}},
      .milestones = {2, 5}};
  check_rates(sequence, {4, 6, 8, 4, 2, 0, 0}, 8);
}

TEST_CASE("every group has its own base, and its own maximum") {
  SGD sgd({{.parameters = {{"a", parameter()}}}, {.parameters = {{"b", parameter()}}, .lr = 0.5}},
          {.lr = 2});
  {
    Schedule schedule(sgd, StepLR{.step_size = 1, .gamma = 0.5});
    schedule.step();
  }
  CHECK(sgd.lr(0) == 1);
  CHECK(sgd.lr(1) == 0.25);
  const Schedule cycle(sgd,
                       OneCycleLR{.max_lr = {5, 50}, .total_steps = 9, .cycle_momentum = false});
  CHECK(sgd.lr(0) == doctest::Approx(0.2));
  CHECK(sgd.lr(1) == doctest::Approx(2));
  const Schedule lambda(sgd, LambdaLR{{[](int64_t) { return 1.0; }, [](int64_t) { return 2.0; }}});
  CHECK(sgd.lr(1) == doctest::Approx(4));
}

TEST_CASE("a schedule can be looked at without running it") {
  SGD sgd = make_sgd(8);
  const Schedule schedule(sgd, ExponentialLR{.gamma = 0.5});
  CHECK(schedule.lr_at(3) == 1);
  CHECK(sgd.lr() == 8);
  CHECK(schedule.steps() == 0);
  CHECK(message_of([&] { static_cast<void>(schedule.lr_at(-1)); }) ==
        "[Schedule] there is no step -1. Hint: steps are counted from 0");
  CHECK(message_of([&] { static_cast<void>(schedule.lr_at(0, 1)); }) ==
        "[SGD] no group 1, there are 1. Hint: groups are numbered from 0");
}

TEST_CASE("a schedule of one's own is a formula") {
  struct Sawtooth {
    Rates at(int64_t t, size_t, double base_lr) const {
      return {base_lr * static_cast<double>(1 + t % 2)};
    }
    void check(const Optimizer&) const {}
  };
  check_rates(Sawtooth(), {3, 6, 3, 6}, 3);
}

TEST_CASE("a resumed schedule continues bit by bit, whatever the new optimizer was built with") {
  const SequentialLR curve{.schedules = {LinearLR{.start_factor = 0.1, .total_iters = 3},
                                         CosineAnnealingLR{.T_max = 17, .eta_min = 1e-4}},
                           .milestones = {3}};
  SGD whole = make_sgd(0.3), resumed = make_sgd(77);
  Schedule first(whole, curve);
  for (int t = 0; t < 7; ++t) first.step();
  Schedule second(resumed, curve);
  second.load_state_dict(first.state_dict());
  CHECK(second.steps() == 7);
  for (int t = 0; t < 9; ++t) {
    CHECK(resumed.lr() == whole.lr());
    first.step();
    second.step();
  }
}

TEST_CASE("a state that does not fit lists every problem and changes nothing") {
  SGD sgd = make_sgd(0.5);
  Schedule schedule(sgd, StepLR{.step_size = 5});
  CHECK(message_of([&] {
          schedule.load_state_dict({{"steps", tensor({int64_t{-1}}, {})},
                                    {"base_lrs", ones({2}, float64)},
                                    {"extra", ones({1})}});
        }) ==
        "[Schedule] the state does not fit, nothing was loaded: steps is negative; base_lrs is "
        "float64 [2], expected float64 [1]; unexpected: extra. Hint: it must come from a schedule "
        "of an optimizer with the same groups");
  CHECK_THROWS_AS(schedule.load_state_dict(
                      {{"steps", tensor({int64_t{3}}, {})}, {"base_lrs", full({1}, -1, float64)}}),
                  ValueError);
  CHECK(sgd.lr() == 0.5);
  CHECK(schedule.steps() == 0);
}

TEST_CASE("going past the end of a cycle is an error that leaves rates as they are") {
  SGD sgd = make_sgd(0.1, 0.9);
  Schedule schedule(sgd, OneCycleLR{.max_lr = 0.1, .total_steps = 5});
  for (int t = 0; t < 5; ++t) schedule.step();
  const double last = sgd.lr();
  CHECK(message_of([&] { schedule.step(); }) ==
        "[OneCycleLR] step 6 of a cycle of 5 steps. Hint: total_steps must be the number of steps "
        "of the whole training");
  CHECK(sgd.lr() == last);
  CHECK(schedule.steps() == 5);
}

TEST_CASE("a rate that the optimizer refuses changes no group") {
  SGD sgd({{.parameters = {{"a", parameter()}}}, {.parameters = {{"b", parameter()}}}}, {.lr = 1});
  Schedule schedule(sgd, LambdaLR{{[](int64_t) { return 0.5; },
                                   [](int64_t t) { return t == 0 ? 1.0 : std::nan(""); }}});
  CHECK(message_of([&] { schedule.step(); }) ==
        "[SGD] lr must be a number of at least 0, got nan. Hint: 1e-3 is usual for Adam, 0.1 "
        "for SGD");
  CHECK(sgd.lr(0) == 0.5);
  CHECK(schedule.steps() == 0);
}

TEST_CASE("options that make no sense are refused") {
  CHECK(refusal(StepLR{}) ==
        "[StepLR] step_size must be at least 1, got 0. Hint: counts of steps start at 1");
  CHECK(refusal(StepLR{.step_size = 1, .gamma = -1}) ==
        "[StepLR] gamma must be a number of at least 0, got -1. Hint: the learning rate is "
        "multiplied "
        "with it; 0.1 makes it a tenth");
  CHECK(refusal(PolynomialLR{.total_iters = 3, .power = -1}) ==
        "[PolynomialLR] power must be a number of at least 0, got -1. Hint: 1 falls in a straight "
        "line, more falls faster at first");
  CHECK(refusal(CosineAnnealingLR{.T_max = 3, .eta_min = -1}) ==
        "[CosineAnnealingLR] eta_min must be a number of at least 0, got -1. Hint: no learning "
        "rate is negative");
  CHECK(refusal(MultiStepLR{.milestones = {-3}}) ==
        "[MultiStepLR] a milestone must be a number of at least 0, got -3. Hint: steps are counted "
        "from 0");
  CHECK(refusal(ExponentialLR{}) ==
        "[ExponentialLR] gamma must be a positive number, got 0. Hint: the learning rate is "
        "multiplied with it; 0.1 makes it a tenth");
  CHECK(refusal(ConstantLR{.factor = 2}) ==
        "[ConstantLR] factor must be in [0, 1], got 2. Hint: it is a share: 0.1 is a tenth");
  CHECK(refusal(LinearLR{.start_factor = 1.5}) ==
        "[LinearLR] start_factor must be in [0, 1], got 1.5. Hint: it is a share: 0.1 is a tenth");
  CHECK(refusal(LinearLR{.end_factor = std::nan("")}) ==
        "[LinearLR] end_factor must be in [0, 1], got nan. Hint: it is a share: 0.1 is a tenth");
  CHECK(refusal(PolynomialLR{.total_iters = 0}) ==
        "[PolynomialLR] total_iters must be at least 1, got 0. Hint: counts of steps start at 1");
  CHECK(refusal(CosineAnnealingLR{}) ==
        "[CosineAnnealingLR] T_max must be at least 1, got 0. Hint: counts of steps start at 1");
  CHECK(refusal(CosineAnnealingWarmRestarts{.T_0 = 4, .T_mult = 0}) ==
        "[CosineAnnealingWarmRestarts] T_mult must be at least 1, got 0. Hint: counts of steps "
        "start at 1");
  CHECK(refusal(LambdaLR{}) ==
        "[LambdaLR] lr_lambda has 0 functions, there are 1 groups. Hint: give one function for "
        "all, or one per group");
  CHECK(refusal(LambdaLR{{nullptr}}) ==
        "[LambdaLR] a function in lr_lambda is empty. Hint: give a function from step to factor");
  CHECK(refusal(SequentialLR{}) ==
        "[SequentialLR] 0 schedules need 0 milestones, got 0. Hint: a milestone is where the next "
        "schedule begins");
  const Curve step = StepLR{.step_size = 1};
  CHECK(refusal(SequentialLR{.schedules = {step, step, step}, .milestones = {4, 4}}) ==
        "[SequentialLR] milestone 4 comes after 4. Hint: they must be positive and increase");
  CHECK(refusal(SequentialLR{.schedules = {step, StepLR{}}, .milestones = {4}}) ==
        "[StepLR] step_size must be at least 1, got 0. Hint: counts of steps start at 1");
}

TEST_CASE("cycles that make no sense are refused") {
  CHECK(refusal(OneCycleLR{.max_lr = 1}) ==
        "[OneCycleLR] the number of steps is missing. Hint: give total_steps, or epochs and "
        "steps_per_epoch");
  CHECK(refusal(OneCycleLR{.max_lr = 1, .epochs = -2, .steps_per_epoch = -5}) ==
        "[OneCycleLR] epochs must be at least 1, got -2. Hint: counts of steps start at 1");
  CHECK(refusal(OneCycleLR{.total_steps = 5}) ==
        "[OneCycleLR] max_lr must be a positive number, got 0. Hint: give a rate above 0");
  CHECK(refusal(OneCycleLR{.max_lr = -1, .total_steps = 5}) ==
        "[OneCycleLR] max_lr must be a number of at least 0, got -1. Hint: give a rate above 0");
  CHECK(refusal(OneCycleLR{.max_lr = 1, .total_steps = 5, .max_momentum = -1}) ==
        "[OneCycleLR] max_momentum must be a number of at least 0, got -1. Hint: no momentum is "
        "negative");
  CHECK(refusal(OneCycleLR{.max_lr = {1, 2}, .total_steps = 5}) ==
        "[OneCycleLR] max_lr has 2 values, there are 1 groups. Hint: give one number for all, or "
        "one per group");
  CHECK(refusal(OneCycleLR{.max_lr = 1, .total_steps = 5, .pct_start = 1.5}) ==
        "[OneCycleLR] pct_start must be in [0, 1], got 1.5. Hint: it is a share: 0.1 is a tenth");
  CHECK(refusal(OneCycleLR{.max_lr = 1, .total_steps = 5, .div_factor = 0}) ==
        "[OneCycleLR] div_factor must be a positive number, got 0. Hint: the learning rate is "
        "divided by it");
  CHECK(refusal(OneCycleLR{.max_lr = 1, .total_steps = 5}) ==
        "[OneCycleLR] there is no momentum to cycle in SGD. Hint: build the optimizer with "
        "momentum, or pass .cycle_momentum = false");
  Adagrad adagrad(NamedTensors{{"p", parameter()}});
  CHECK_THROWS_AS(Schedule(adagrad, OneCycleLR{.max_lr = 1, .total_steps = 5}), ValueError);
}

// --- ReduceLROnPlateau ---

TEST_CASE("a plateau longer than patience reduces the rate") {
  SGD sgd = make_sgd(1);
  ReduceLROnPlateau plateau(sgd, {.factor = 0.5, .patience = 1});
  for (const double loss : {3.0, 2.0, 2.0}) plateau.step(loss);
  CHECK(sgd.lr() == 1);
  CHECK(plateau.best() == 2);
  CHECK(plateau.num_bad_epochs() == 1);
  plateau.step(2.5);
  CHECK(sgd.lr() == 0.5);
  CHECK(plateau.num_bad_epochs() == 0);
}

TEST_CASE("a NaN is never better, in either mode") {
  for (const PlateauMode mode : {PlateauMode::min, PlateauMode::max}) {
    SGD sgd = make_sgd(1);
    ReduceLROnPlateau plateau(sgd, {.mode = mode, .factor = 0.5, .patience = 0});
    plateau.step(std::nan(""));
    CHECK(sgd.lr() == 0.5);
    plateau.step(1);
    CHECK(plateau.best() == 1);
  }
}

TEST_CASE("every group stops at its own min_lr") {
  SGD sgd({{.parameters = {{"a", parameter()}}}, {.parameters = {{"b", parameter()}}}}, {.lr = 1});
  ReduceLROnPlateau plateau(sgd, {.factor = 0.1, .patience = 0, .min_lr = {0.5, 0.01}});
  for (int t = 0; t < 5; ++t) plateau.step(1);
  CHECK(sgd.lr(0) == 0.5);
  CHECK(sgd.lr(1) == doctest::Approx(0.01));
}

TEST_CASE("a resumed plateau counts on") {
  SGD sgd = make_sgd(1), other = make_sgd(1);
  const PlateauOptions options{.factor = 0.5, .patience = 1, .cooldown = 2};
  ReduceLROnPlateau whole(sgd, options), resumed(other, options);
  const double losses[] = {2, 2, 2, 3, 3, 3, 3, 3, 1, 1, 1, 1};
  for (size_t t = 0; t < 5; ++t) whole.step(losses[t]);
  resumed.load_state_dict(whole.state_dict());
  other.load_state_dict(sgd.state_dict());
  for (size_t t = 5; t < std::size(losses); ++t) {
    whole.step(losses[t]);
    resumed.step(losses[t]);
    CHECK(sgd.lr() == other.lr());
  }
  CHECK(sgd.lr() < 0.5);
  CHECK(message_of([&] { resumed.load_state_dict({}); }) ==
        "[ReduceLROnPlateau] the state does not fit, nothing was loaded: missing: best; missing: "
        "num_bad_epochs; missing: cooldown_counter. Hint: it must come from a ReduceLROnPlateau");
}

TEST_CASE("plateau options that make no sense are refused") {
  SGD sgd = make_sgd(1);
  const auto refused = [&](const PlateauOptions& options) {
    return message_of([&] { const ReduceLROnPlateau plateau(sgd, options); });
  };
  CHECK(refused({.factor = 1}) ==
        "[ReduceLROnPlateau] factor must be in [0, 1), got 1. Hint: the learning rate is "
        "multiplied with it; 0.1 is usual");
  CHECK(refused({.patience = -1}) ==
        "[ReduceLROnPlateau] patience must be a number of at least 0, got -1. Hint: 0 is none");
  CHECK(refused({.min_lr = {1, 2}}) ==
        "[ReduceLROnPlateau] min_lr has 2 values, there are 1 groups. Hint: give one number for "
        "all, or one per group");
}

TEST_CASE("a share of the best is a share of its size, also where metrics are below zero") {
  SGD sgd = make_sgd(1);
  ReduceLROnPlateau falling(sgd, {.factor = 0.5, .patience = 1, .threshold = 0.1});
  falling.step(-10);
  falling.step(-10.5);  // not 10 % better
  CHECK(falling.best() == -10);
  CHECK(falling.num_bad_epochs() == 1);
  falling.step(-11.5);
  CHECK(falling.best() == -11.5);
  falling.step(-9);
  falling.step(-9);
  CHECK(falling.best() == -11.5);
  CHECK(sgd.lr() == 0.5);

  ReduceLROnPlateau rising(
      sgd, {.mode = PlateauMode::max, .factor = 0.5, .patience = 0, .threshold = 0.1});
  rising.step(-10);
  rising.step(-8.5);
  CHECK(rising.best() == -8.5);
  CHECK(sgd.lr() == 0.5);
  rising.step(-9);  // worse
  CHECK(rising.best() == -8.5);
  CHECK(sgd.lr() == 0.25);
}

TEST_CASE("across zero and after infinity, a better metric is better") {
  for (const double sign : {1.0, -1.0}) {
    SGD sgd = make_sgd(1);
    ReduceLROnPlateau plateau(sgd, {.mode = sign > 0 ? PlateauMode::min : PlateauMode::max,
                                    .factor = 0.5,
                                    .patience = 0,
                                    .threshold = 0});
    plateau.step(sign * HUGE_VAL);  // no better than nothing
    CHECK(sgd.lr() == 0.5);
    for (const double metric : {1.0, 0.0, -1.0}) {
      plateau.step(sign * metric);
      CHECK(plateau.best() == sign * metric);
    }
    plateau.step(-sign * HUGE_VAL);
    CHECK(plateau.best() == -sign * HUGE_VAL);
    CHECK(sgd.lr() == 0.5);
    plateau.step(-sign * HUGE_VAL);
    CHECK(sgd.lr() == 0.25);
  }
}

TEST_CASE("counts that no training reaches are no state") {
  SGD sgd = make_sgd(1);
  Schedule schedule(sgd, StepLR{.step_size = 2});
  NamedTensors state = schedule.state_dict();
  state[0].tensor = tensor({INT64_MAX}, {});
  CHECK(message_of([&] { schedule.load_state_dict(state); }) ==
        "[Schedule] the state does not fit, nothing was loaded: steps is above 2^53. Hint: it must "
        "come from a schedule of an optimizer with the same groups");
  ReduceLROnPlateau plateau(sgd);
  NamedTensors other = plateau.state_dict();
  other[1].tensor = tensor({INT64_MAX}, {});
  CHECK_THROWS_AS(plateau.load_state_dict(other), ValueError);
}

TEST_CASE("a cycle of more steps than can be counted is refused") {
  SGD sgd = make_sgd(1);
  OneCycleLR cycle{.max_lr = 1, .epochs = INT64_MAX, .steps_per_epoch = 3};
  cycle.cycle_momentum = false;
  CHECK_THROWS_AS(Schedule(sgd, cycle), ValueError);
}
