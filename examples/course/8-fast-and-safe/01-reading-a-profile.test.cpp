#include COURSE_FILE

#include <chrono>

namespace {

/// Keeps the processor busy.
void spend(double milliseconds) {
  const auto begin = std::chrono::steady_clock::now();
  while (
      std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count() <
      milliseconds) {
  }
}

/// x, and it takes a while.
Tensor slow_at_first(const Tensor& x, bool first) {
  spend(first ? 40 : 0);
  return record("slow_at_first", inputs(x), x.detach().clone(), saved(),
                [](const TensorList&, const Tensor& g) { return g; });
}
Tensor slow_forward(const Tensor& x) {
  spend(10);
  return record("slow_forward", inputs(x), x.detach().clone(), saved(),
                [](const TensorList&, const Tensor& g) { return g; });
}
Tensor slow_backward(const Tensor& x) {
  return record("slow_backward", inputs(x), x.detach().clone(), saved(),
                [](const TensorList&, const Tensor& g) {
                  spend(25);
                  return g;
                });
}

}  // namespace

int main() {
  return course::run([] {
    const Tensor x = ones({3}).requires_grad_();
    int calls = 0;
    // Three steps: 40 ms in slow_at_first, 30 ms in slow_forward, 75 ms in slow_backward.
    const auto loss = [&] {
      return sum(slow_backward(slow_forward(slow_at_first(x, calls++ == 0))));
    };
    Slowest found;
    try {
      found = slowest_operation(loss, 3);
    } catch (const TapeError& error) {
      course::fail("The tape refused:\n" + std::string(error.what()),
                   "Was it opened with {.profile = true}?");
    }
    course::check(calls == 3, str("The loss was computed ", calls, " times, not 3."));
    if (!x.grad().defined())
      course::fail(
          str("You found ", found.op, ", but no backward pass was run."),
          "Most of the time of a training step is in the backward pass: tape.backward(loss()), and "
          "then the profile.");
    if (found.op == "slow_at_first")
      course::fail(
          "You found slow_at_first, with 40 ms the slowest of the first step or of the forward "
          "passes.",
          "slow_backward took 75 ms in three steps, all of it backward. Are all steps added up, "
          "and "
          "row.seconds() or forward.seconds alone compared?");
    if (found.op == "slow_forward")
      course::fail("You found slow_forward, which is the slowest forward pass of the last step.",
                   "The time of a row is that of both directions, of all steps.");
    course::check(found.op == "slow_backward",
                  "You found \"" + found.op + "\", expected slow_backward.",
                  "Rows come sorted, the longest first; the total is not one of them.");
    course::check(found.share <= 1, str("The share is ", found.share, "; a share is at most 1."),
                  "Is it in percent, or in seconds?");
    if (found.share > 0.95)
      course::fail(
          str("The share is ", found.share, "; of 145 ms, slow_backward took 75."),
          "It is the share of the backward passes alone. Divide by the time of both directions: "
          "total().seconds().");
    if (found.share > 0.66)
      course::fail(str("The share is ", found.share,
                       ", that of the last step; of all three it is 75 / 145 = 0.52."),
                   "Add up the profiles of the steps, and divide at the end.");
    course::check(found.share > 0.38,
                  str("The share is ", found.share, "; it should be near 75 / 145 = 0.52."),
                  "The share is row.seconds() of total().seconds().");
  });
}
