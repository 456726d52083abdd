// Steps that give NaN or infinity: noticed, undone, and traced to where they began.
#include "../../examples/support/numerics.h"

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmath>
#include <csignal>
#include <limits>

#include "../../core/ops.h"
#include "../../examples/support/stop_signal.h"
#include "../../nn/conv.h"
#include "../../nn/dropout.h"
#include "../../nn/lambda.h"
#include "../../nn/norm.h"
#include "../../nn/sequential.h"
#include "../support/errors.h"

using namespace gradus;
using namespace gradus::examples;
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

/// What throw_not_finite says about a step of `net` on ones.
std::string trace(nn::Sequential& net) {
  const Tensor x = ones({1, 1, 4, 4});
  return message_of([&] {
    throw_not_finite("the loss is nan at step 7",
                     {.inputs = {{"the images", x}},
                      .parameters = net.named_parameters(),
                      .repeat =
                          [&](const TapeOptions& options) {
                            Tape tape(options);
                            tape.backward(sum(net(x)));
                          },
                      .advice = {.always = "do this", .to_skip = ", or skip it"}});
  });
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

TEST_CASE("gradients are looked at, parameters without one passed over") {
  Tensor a = ones({2}).requires_grad_(), b = ones({2}).requires_grad_();
  const NamedTensors parameters = {{"a", a}, {"b", b}};
  CHECK(first_gradient_not_finite(parameters) == nullptr);
  b.set_grad(tensor({0.F, not_a_number}, {2}));
  CHECK(first_gradient_not_finite(parameters)->name == "b");
}

TEST_CASE("an undone step leaves running statistics and random streams as they were") {
  const RandomScope scope;
  manual_seed(3);
  nn::Sequential net(nn::BatchNorm2d(1), nn::Dropout({.p = 0.5}));
  const Tensor x = randn({2, 1, 3, 3}, default_rng(Stream::init));
  (void)net(x);
  const auto before = values_of(net.state_dict());
  const RandomState streams = random_state();

  StepUndo step(net.named_buffers());
  const Tensor first = net(x);
  CHECK(values_of(net.state_dict()) != before);
  step.undo();
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
  CHECK(message_of([&] {
          throw_not_finite("the loss is nan at step 7",
                           {.inputs = {{"the images", tensor({not_a_number}, {1})}},
                            .parameters = net.named_parameters(),
                            .repeat = [](const TapeOptions&) {},
                            .advice = {}});
        }) ==
        "[train] the loss is nan at step 7: the images [1] already hold NaN or infinity. "
        "Hint: look at the data");
  net.named_parameters()[1].tensor.fill_(infinity);
  CHECK(trace(net) ==
        "[train] the loss is nan at step 7: conv.bias [2] holds NaN or infinity since the update "
        "before. Hint: do this");  // one bad step is not all
}

TEST_CASE("a NaN that does not come back is reported as such") {
  nn::Sequential net = net_with([](const Tensor& x) { return x; });
  CHECK(trace(net).find("[train] the loss is nan at step 7, but not when the step was repeated") ==
        0);
}

TEST_CASE("the first signal is noted, the second ends the process") {
  const pid_t child = fork();
  if (child == 0) {
    const StopSignal stop;
    if (stop.received() != 0) _exit(1);
    std::raise(SIGTERM);
    if (stop.received() != SIGTERM) _exit(2);
    std::raise(SIGINT);
    _exit(3);  // not reached
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  REQUIRE(WIFSIGNALED(status));
  CHECK(WTERMSIG(status) == SIGINT);
}

TEST_CASE("signals that the process was started to ignore stay ignored") {
  const auto before = std::signal(SIGHUP, SIG_IGN);
  {
    const StopSignal stop;
    std::raise(SIGHUP);
    CHECK(stop.received() == 0);
    std::raise(SIGINT);
    CHECK(stop.received() == SIGINT);
    std::raise(SIGHUP);
  }
  std::signal(SIGHUP, before);
}
