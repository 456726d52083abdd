// Moving averages of weights.
#include "../../optim/ema.h"

#include <doctest/doctest.h>

#include <cmath>
#include <string>

#include "../../core/ops.h"
#include "../../core/tape.h"
#include "../support/errors.h"
#include "../support/processor_time.h"

using namespace gradus;
using namespace gradus::optim;
using test::message_of;

namespace {

Tensor parameter(double value) {
  return full({2}, value, float64).requires_grad_();
}

double first(const Tensor& t) {
  return t.to_vector<double>()[0];
}

double average(const EMA& ema, size_t i = 0) {
  return first(ema.state_dict()[i].tensor);
}

}  // namespace

TEST_CASE("an average starts at the parameters and follows them slowly") {
  Tensor p = parameter(1);
  EMA ema({{"p", p}}, {.decay = 0.75});
  CHECK(average(ema) == 1);
  p.detach().fill_(5);
  ema.update();
  CHECK(average(ema) == 2);
  ema.update();
  CHECK(average(ema) == 2.75);
  CHECK(first(p) == 5);
  CHECK(ema.updates() == 2);
}

TEST_CASE("a warm-up starts with a short memory") {
  Tensor p = parameter(0);
  EMA ema({{"p", p}}, {.decay = 0.25, .warmup = true});
  p.detach().fill_(1);
  ema.update();
  CHECK(average(ema) == doctest::Approx(1 - 2.0 / 11));
  p.detach().fill_(0);
  ema.update();  // 3 / 12 is the decay from now on
  CHECK(average(ema) == doctest::Approx((1 - 2.0 / 11) * 0.25));
}

TEST_CASE("while a scope lives the net has the averages, then its own weights again") {
  Tensor p = parameter(1);
  EMA ema({{"p", p}}, {.decay = 0.5});
  p.detach().fill_(3);
  ema.update();
  Tape tape;
  {
    const EMAScope averaged(ema);
    CHECK(first(p) == 2);
    ema.update();  // takes in what it is
    CHECK(average(ema) == 2);
  }
  CHECK(first(p) == 3);
  CHECK(p.requires_grad());
}

TEST_CASE("buffers are the net's own unless given; then numbers are averaged and counters copied") {
  Tensor p = parameter(0), mean = full({2}, 0, float64), count = tensor({int64_t{0}}, {});
  EMA own({{"p", p}}, {.decay = 0.5});
  EMA ema({{"p", p}}, {.decay = 0.5, .buffers = {{"mean", mean}, {"count", count}}});
  mean.fill_(1);
  count.fill_(7);
  own.update();
  ema.update();
  CHECK(own.state_dict().size() == 2);
  CHECK(average(ema, 1) == 0.5);
  {
    const EMAScope averaged(own);
    CHECK(first(mean) == 1);
  }
  const EMAScope averaged(ema);
  CHECK(first(mean) == 0.5);
  CHECK(count.item() == 7);
}

TEST_CASE("averages can be copied to another net") {
  Tensor p = parameter(1), q = parameter(9), other = parameter(8);
  EMA ema({{"p", p}}, {.decay = 0.5});
  ema.copy_to({{"other", other}, {"p", q}});
  CHECK(first(q) == 1);
  CHECK(first(other) == 8);
  EMA both({{"p", p}, {"r", parameter(0)}, {"s", parameter(0)}});
  CHECK(message_of([&] {
          both.copy_to({{"p", q}, {"r", ones({3})}});
        }) ==
        "[EMA] the tensors do not fit, nothing was copied: r is float32 [3], expected float64 [2]; "
        "missing: s. Hint: give named_parameters() and named_buffers() of a module with the same "
        "layers");
}

TEST_CASE("very many tensors are averaged and copied in linear time") {
  NamedTensors sources;
  for (int i = 0; i < 150'000; ++i) sources.push_back({std::to_string(i), ones({1})});
  CHECK(test::processor_seconds([&] { EMA(sources).copy_to(sources); }) < 5);
}

TEST_CASE("a saved average continues bit by bit") {
  Tensor p = parameter(1), q = parameter(4);
  EMA whole({{"p", p}}, {.decay = 0.9, .warmup = true});
  EMA resumed({{"p", q}}, {.decay = 0.9, .warmup = true});
  for (int t = 0; t < 8; ++t) {
    if (t == 4) resumed.load_state_dict(whole.state_dict());
    p.detach().fill_(std::sin(t));
    q.detach().fill_(std::sin(t));
    whole.update();
    resumed.update();
  }
  CHECK(average(whole) == average(resumed));
  CHECK(resumed.updates() == 8);
}

TEST_CASE("a state that does not fit changes nothing") {
  Tensor p = parameter(1);
  EMA ema({{"p", p}});
  CHECK(message_of([&] {
          ema.load_state_dict({{"p", ones({3})}, {"q", ones({1})}});
        }) ==
        "[EMA] the state does not fit, nothing was loaded: p is float32 [3], expected float64 [2]; "
        "missing: ema.updates; unexpected: q. Hint: it must come from an EMA of the same tensors");
  CHECK(average(ema) == 1);
}

TEST_CASE("averages that make no sense are refused") {
  const Tensor p = parameter(1);
  CHECK(message_of([&] {
          EMA({{"p", p}}, {.decay = 1.5});
        }) ==
        "[EMA] decay must be in [0, 1], got 1.5. Hint: it is the share of the average that a step "
        "keeps; 0.999 is usual");
  CHECK(message_of([&] {
          EMA({{"p", p}, {"p", p}});
        }) == "[EMA] two tensors are named p. Hint: averages are kept by name; give each its own");
  CHECK(message_of([&] {
          EMA({{"p", Tensor()}});
        }) ==
        "[EMA] p is undefined. Hint: pass module.named_parameters(), and named_buffers() as "
        ".buffers");
  CHECK(message_of([&] {
          EMA({{"p", ones({2, 3}).transpose(0, 1)}});
        }) == "[EMA] p [3,2] is not in row-major order. Hint: copy it with contiguous()");
}

// --- average_update_ ---

TEST_CASE("an average moves by a share of the way") {
  Tensor average = tensor({1.0, 2.0});
  average_update_(average, tensor({5.0, 2.0}), 0.25);
  CHECK(average.to_vector<double>() == std::vector<double>{2, 2});
}

TEST_CASE("an average refuses values that do not fit, and then nothing is written") {
  Tensor average = ones({2});
  CHECK(message_of([&] { average_update_(average, ones({3}), 0.5); }) ==
        "[average_update_] value is [3], the average [2]. Hint: both have one shape");
  CHECK_THROWS_AS(average_update_(average, ones({2}, float64), 0.5), DTypeError);
  Tensor whole = ones({2}, int64);
  CHECK_THROWS_AS(average_update_(whole, whole, 0.5), DTypeError);
  Tensor transposed = ones({2, 2}).transpose(0, 1);
  CHECK(message_of([&] {
          average_update_(transposed, ones({2, 2}), 0.5);
        }) ==
        "[average_update_] average [2,2] is not in row-major order. Hint: contiguous() makes a "
        "copy that is");
  CHECK(average.to_vector<float>() == std::vector<float>{1, 1});
}

TEST_CASE("an average that a recording tape tracks moves in a NoGrad scope") {
  Tensor average = ones({2}).requires_grad_();
  const Tape tape;
  CHECK_THROWS_AS(average_update_(average, zeros({2}), 0.5), TapeError);
  const NoGrad pause;
  average_update_(average, zeros({2}), 0.5);
  CHECK(average.to_vector<float>()[0] == 0.5);
}
