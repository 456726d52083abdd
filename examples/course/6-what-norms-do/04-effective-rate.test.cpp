#include COURSE_FILE

#include <cmath>

namespace {

using namespace gradus;

bool close(double a, double b) {
  return std::abs(a - b) <= 1e-9 * std::abs(b);
}

void check_step(double length, double unit, double lr, double decay, double expected) {
  const Step step = after_step(length, unit, lr, decay);
  const double shrunk = (1 - lr * decay) * length, g = unit / length;
  const std::string when =
      str("With |w| = ", length, ", unit = ", unit, ", lr = ", lr, ", decay = ", decay, " ");
  const std::string numbers =
      str(when, "your length is ", step.length, "; a real step gives ", expected, ". ");
  if (close(step.length, std::hypot(shrunk, lr * unit)))
    course::fail(numbers + "The gradient is taken for one that does not depend on |w|.",
                 "`unit` is the length of the gradient at |w| = 1; at |w| it is unit / |w|.");
  if (close(step.length, shrunk - lr * g) || close(step.length, shrunk + lr * g))
    course::fail(numbers + "The lengths are added as if gradient and weights were parallel.",
                 "They are at a right angle: the squares of the lengths add up.");
  if (close(step.length * step.length, (1 - lr * decay) * length * length + lr * lr * g * g))
    course::fail(
        numbers + "The square of the length shrinks by (1 - lr decay), once.",
        "It is w that is multiplied by (1 - lr decay), so its square takes the square of it.");
  if (close(step.length, std::hypot((1 - decay) * length, lr * g)))
    course::fail(numbers + "The decay is not multiplied by the rate.",
                 "w <- w - lr (g + decay w): it is part of what the rate multiplies.");
  if (close(step.length, std::hypot(length, lr * g)))
    course::fail(numbers + "There is no decay in it.");
  if (close(step.length, shrunk))
    course::fail(numbers + "The gradient is missing.",
                 "It does not change the length to first order, but it does to second.");
  course::same(when + "the length after the step", step.length, expected, "", 1e-9);
  if (close(step.effective_rate, lr / step.length))
    course::fail(str(when, "your effective rate is ", step.effective_rate, " = lr / |w|."),
                 "It is lr / |w|^2: the gradient is shorter by |w|, and so is the turn that a step "
                 "makes of w.");
  if (close(step.effective_rate, lr / (length * length)))
    course::fail(str(when, "your effective rate is that of the step that was taken."),
                 "Asked for is the one of the step that follows, with the new length.");
  course::same(when + "the effective rate", step.effective_rate, lr / (expected * expected));
}

}  // namespace

int main() {
  return course::run([] {
    manual_seed(7);
    // Real steps of SGD, of one output before batch norm, with a gradient that stays the same.
    const Tensor x = randn({16, 6}, float64), g = randn({16, 1}, float64);
    Tensor w = randn({1, 6}, float64).requires_grad_();
    const double lr = 0.6, decay = 0.2;
    optim::SGD sgd({NamedTensor{"w", w}}, {.lr = lr, .weight_decay = decay});
    for (int i = 0; i < 20; ++i) {
      const double length = norm(w.detach()).item();
      {
        Tape tape;
        tape.backward(sum(batch_norm_train(linear(x, w), {}, {}, 0).y * g));
      }
      const double unit = norm(w.grad()).item() * length;
      sgd.step();
      sgd.zero_grad();
      check_step(length, unit, lr, decay, norm(w.detach()).item());
    }
    // The equilibrium that van Laarhoven found: |w|^4 = lr unit^2 / (2 decay - lr decay^2).
    double length = 5;
    for (int i = 0; i < 3000; ++i) length = after_step(length, 2, 0.1, 0.05).length;
    course::same("the length after 3000 steps", length,
                 std::pow(0.1 * 4 / (2 * 0.05 - 0.1 * 0.05 * 0.05), 0.25), "", 1e-6);
  });
}
