#include COURSE_FILE

namespace {

using namespace gradus;

struct Measured {
  Tensor y, dw, dx;
};

Measured measure(const Tensor& w, const Tensor& x, const Tensor& g, bool batch) {
  const Tensor leaf = w.clone().requires_grad_(), input = x.clone().requires_grad_();
  const Tape tape;
  const Tensor z = linear(input, leaf);
  const Tensor y = batch ? batch_norm_train(z, {}, {}, 0).y : layer_norm(z, {w.size(0)}, {}, {}, 0);
  const auto d = grad(y, {leaf, input}, {.gradient = g});
  return {y.detach(), d[0], d[1]};
}

/// The factor between two tensors that are multiples of each other.
double factor(const Tensor& after, const Tensor& before) {
  return (sum(after * before) / sum(before * before)).item();
}

bool close(double a, double b) {
  return std::abs(a - b) <= 1e-9 * std::abs(b);
}

void check_at(double a, double b, bool batch) {
  const Tensor w = randn({4, 5}, float64), x = randn({7, 5}, float64), g = randn({7, 4}, float64);
  const Measured before = measure(w, x, g, batch), after = measure(w * a, x * b, g, batch);
  const Factors found = when_scaled(a, b);
  const std::string when = str("With a = ", a, " and b = ", b, ", ");

  course::same(when + "the factor of y", found.y, factor(after.y, before.y),
               "Mean and deviation of z are multiplied as z is, and the norm removes both.");
  const double dw = factor(after.dw, before.dw), dx = factor(after.dx, before.dx);
  if (close(found.dw, 1) && !close(dw, 1))
    course::fail(str(when, "you expect dw to stay; measured: times ", dw, "."),
                 "The loss does not depend on the length of W, but its slope does: a step of the "
                 "same size is a smaller turn of a longer vector.");
  if (close(found.dw, a) && !close(dw, a))
    course::fail(str(when, "you expect dw times ", a, "; measured: times ", dw, "."),
                 "Longer weights have smaller gradients before a norm.");
  if (close(found.dw, 1 / (a * b)) && !close(dw, 1 / (a * b)))
    course::fail(str(when, "you expect dw times ", found.dw, "; measured: times ", dw, "."),
                 "That is the factor of dz. dW = dz^T x contains x as well, and with it b.");
  if (close(found.dw, b / a) && !close(dw, b / a))
    course::fail(str(when, "you expect dw times ", found.dw, "; measured: times ", dw, "."),
                 "dW = dz^T x has the factor b from x, but dz has 1 / b: the norm divides by the "
                 "scale of z, to which x has contributed b.");
  course::same(when + "the factor of dw", found.dw, dw, "dW = dz^T x: two factors.");
  if (close(found.dx, 1) && !close(dx, 1))
    course::fail(str(when, "you expect dx to stay; measured: times ", dx, "."),
                 "For the norm x is what W is: without a scale. What holds of dw and a holds of dx "
                 "and b.");
  course::same(when + "the factor of dx", found.dx, dx, "dx = dz W: two factors.");

  // The step, and what the net computes after it.
  const double lr = 0.3;
  const auto output_after = [&](double rate) {
    return measure(w * a - after.dw * rate, x * b, g, batch).y;
  };
  const Tensor wanted = measure(w - before.dw * lr, x, g, batch).y;
  if (course::is_same(output_after(lr * found.rate), wanted, 1e-9)) return;
  if (close(found.rate, a))
    course::fail(str(when, "a rate ", a,
                     " times as large is not enough: the step turns the weights "
                     "less than before."),
                 "The weights are a times as long, and the gradient is a times shorter: that makes "
                 "two factors.");
  if (close(found.rate, 1))
    course::fail(str(when, "with the same rate the step turns the weights less than before."),
                 "The weights are a times as long, and the gradient is a times shorter.");
  course::fail(str(when, "after a step with ", found.rate,
                   " times the rate the net does not compute "
                   "what it did before."),
               "The new step is a W - rate dw / a, and it should be a (W - dw).");
}

}  // namespace

int main() {
  return course::run([] {
    manual_seed(6);
    check_at(2, 1, true);
    check_at(1, 5, true);
    check_at(3, 0.5, true);
    check_at(0.1, 4, false);
  });
}
