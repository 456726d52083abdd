// Steps that give NaN or infinity: noticed, undone, and traced to where they began.
#include "../../train/nan_watch.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "../../core/ops.h"
#include "../../nn/conv.h"
#include "../../nn/dropout.h"
#include "../../nn/lambda.h"
#include "../../nn/norm.h"
#include "../../nn/sequential.h"
#include "../support/errors.h"

using namespace gradus;
using namespace gradus::training;
using gradus::test::message_of;

namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();
constexpr float not_a_number = std::numeric_limits<float>::quiet_NaN();

std::vector<std::vector<float>> values_of(const NamedTensors& tensors) {
  std::vector<std::vector<float>> values;
  for (const NamedTensor& t : tensors) values.push_back(to(t.tensor, float32).to_vector<float>());
  return values;
}

/// One net whose layer "odd" does something to x.
nn::Sequential net_with(const std::function<Tensor(const Tensor&)>& odd) {
  nn::Sequential net;
  net.add("conv", nn::Conv2d({.in_channels = 1, .out_channels = 2, .kernel_size = 3}));
  net.add("odd", nn::Lambda(odd));
  return net;
}

/// Watches a net; its hint is "do this, or skip it".
NanWatch watch_of(const nn::Module& net) {
  NanWatch watch;
  watch.add(net.named_parameters(), net.named_buffers());
  watch.advice = [] { return Advice{.always = "do this", .to_skip = ", or skip it"}; };
  return watch;
}

/// What the watch says about step 7, where `compute` gives a loss.
std::string error_of(NanWatch& watch, const Tensor& x, const std::function<Tensor()>& compute) {
  return message_of([&] {
    watch.step("at step 7", {{"the images", x}}, [&] {
      Tape tape(watch.tape_options());
      const Tensor loss = compute();
      tape.backward(loss);
      (void)watch.accept(loss);
    });
  });
}

/// What it says about a step of `net` on ones.
std::string trace(nn::Sequential& net) {
  NanWatch watch = watch_of(net);
  const Tensor x = ones({1, 1, 4, 4});
  return error_of(watch, x, [&] { return sum(net(x)); });
}

}  // namespace

TEST_CASE("the first tensor with a NaN or an infinity is found; integers have none") {
  const NamedTensors good = {{"a", ones({2})}, {"b", ones({2}, int64)}, {"c", Tensor()}};
  CHECK(first_not_finite(good) == nullptr);
  NamedTensors bad = good;
  bad.push_back({"d", tensor({1.F, infinity}, {2})});
  bad.push_back({"e", tensor({not_a_number}, {1})});
  CHECK(first_not_finite(bad)->name == "d");
}

TEST_CASE("loss and gradients are looked at, parameters without one passed over") {
  Tensor a = ones({2}).requires_grad_(), b = ones({2}).requires_grad_();
  NanWatch watch;
  watch.add({{"a", a}, {"b", b}}, {});
  std::string told;
  watch.skip = [&](const std::string& what) {
    told = what;
    return true;
  };
  const auto accepts = [&](double loss) {
    bool accepted = false;
    told.clear();
    watch.step("at step 7", {}, [&] { accepted = watch.accept(full({}, loss)); });
    CHECK(watch.skipped() != accepted);
    return accepted;
  };
  CHECK(accepts(1));
  CHECK_FALSE(accepts(not_a_number));
  CHECK(told == "the loss is nan at step 7");
  b.set_grad(tensor({0.F, not_a_number}, {2}));
  CHECK_FALSE(accepts(1));
  CHECK(told == "the gradient of b is not finite at step 7");
}

TEST_CASE("an undone step leaves running statistics and random streams as they were") {
  const RandomScope scope;
  manual_seed(3);
  nn::Sequential net(nn::BatchNorm2d(1), nn::Dropout({.p = 0.5}));
  const Tensor x = randn({2, 1, 3, 3}, default_rng(Stream::init));
  (void)net(x);
  const auto before = values_of(net.state_dict());
  const RandomState streams = random_state();

  NanWatch watch = watch_of(net);
  watch.skip = [](const std::string&) { return true; };
  Tensor first;
  watch.step("at step 7", {}, [&] {
    first = net(x);
    CHECK(values_of(net.state_dict()) != before);
    CHECK_FALSE(watch.accept(full({}, not_a_number)));
  });
  CHECK(values_of(net.state_dict()) == before);
  CHECK(random_state().streams == streams.streams);
  CHECK(net(x).to_vector<float>() == first.to_vector<float>());
}

TEST_CASE("a NaN is traced to the operation and the layer that made it") {
  nn::Sequential net = net_with([](const Tensor& x) { return log(sub(x, 1e6)); });
  CHECK(trace(net) ==
        "[log] (odd) NaN or infinity in the result, shape [1,2,2,2]; the loss is nan at step 7. "
        "Hint: do this, or skip it");
}

TEST_CASE("an infinite gradient of a finite loss is traced too") {
  nn::Sequential net = net_with([](const Tensor& x) { return sqrt(mul(x, 0.0)); });
  CHECK(trace(net).find("(odd) NaN or infinity in a gradient, shape [1,2,2,2]") !=
        std::string::npos);
}

TEST_CASE("bad inputs and bad weights are told from bad operations") {
  nn::Sequential net = net_with([](const Tensor& x) { return x; });
  NanWatch watch = watch_of(net);
  const Tensor x = full({1, 1, 4, 4}, not_a_number);
  CHECK(error_of(watch, x, [&] { return sum(net(x)); }) ==
        "[train] the loss is nan at step 7: the images [1,1,4,4] already hold NaN or infinity. "
        "Hint: look at the data");
  net.named_parameters()[1].tensor.fill_(infinity);
  CHECK(trace(net) ==
        "[train] the loss is inf at step 7: conv.bias [2] holds NaN or infinity since the update "
        "before. Hint: do this");  // one bad step is not all
}

TEST_CASE("a NaN that does not come back is reported as such") {
  nn::Sequential net = net_with([](const Tensor& x) { return x; });
  NanWatch watch = watch_of(net);
  int calls = 0;
  const auto once = [&] {
    const Tensor loss = sum(net(ones({1, 1, 4, 4})));
    return calls++ == 0 ? loss * double{not_a_number} : loss;
  };
  CHECK(error_of(watch, ones({1}), once) ==
        "[train] the loss is nan at step 7, but not when the step was repeated. Hint: do this, or "
        "skip it");
}
