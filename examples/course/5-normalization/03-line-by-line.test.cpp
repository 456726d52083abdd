#include COURSE_FILE

namespace {

void check_type(DType dtype) {
  manual_seed(2);
  const double eps = 0.1;
  const Tensor x = (randn({4, 3}, dtype) * 1.5 + 1.0).requires_grad_();
  const Tensor gamma = (rand({3}, dtype) + 1.5).requires_grad_();
  const Tensor beta = randn({3}, dtype).requires_grad_(), g = randn({4, 3}, dtype);
  const Tape tape;
  const Steps s = forward(x, gamma, beta, eps);
  const auto known =
      grad(s.y, {beta, gamma, s.xhat, s.r, s.v, s.centred, s.mu, x}, {.gradient = g});

  const NoGrad pause;
  const Gradients d = backward(g, s, gamma);
  const Tensor mine[] = {d.dbeta, d.dgamma, d.dxhat, d.dr, d.dv, d.dcentred, d.dmu, d.dx};
  const char* names[] = {"dbeta", "dgamma", "dxhat", "dr", "dv", "dcentred", "dmu", "dx"};
  const CompareOptions options{.rtol = dtype == float32 ? 1e-4 : 1e-9};
  size_t wrong = 0;
  for (; wrong < 8; ++wrong) {
    course::check(mine[wrong].defined(), str(names[wrong], " is not set."));
    if (!compare(names[wrong], mine[wrong], known[wrong], options)) break;
  }
  if (wrong == 8) return;

  const std::string name = names[wrong];
  const Tensor& found = mine[wrong];
  const double m = 4;
  // A function: lines below this one may not be written yet.
  const auto is = [&](const char* line, const auto& mistake) {
    return name == line && course::is_same(found, mistake());
  };
  if (is("dxhat", [&] { return g; }))
    course::fail("dxhat is g: gamma is missing.",
                 "y = xhat * gamma + beta, so gamma is the factor.");
  if ((name == "dr" || name == "dv" || name == "dmu") && found.shape() == x.shape())
    course::fail(str(name, " has the shape ", found.shape(), ", that of x; it must be [3]."),
                 "A row that was broadcast over the samples gets the sum of what arrives at them.");
  if (is("dv", [&] { return d.dr * -0.5 * s.r * s.r; }) ||
      is("dv", [&] { return d.dr * -0.5 * s.r; }) ||
      is("dv", [&] { return d.dr * -0.5 * rsqrt(s.v); }))
    course::fail(
        "dv has the wrong power of r.",
        "r = (v + eps)^(-1/2) has the derivative -1/2 (v + eps)^(-3/2), which is -1/2 r^3.");
  if (is("dv", [&] { return d.dr * 0.5 * s.r * s.r * s.r; }))
    course::fail("dv has the wrong sign.", "A larger variance makes r smaller.");
  if (is("dcentred", [&] { return d.dxhat * s.r; }))
    course::fail("dcentred lacks what arrives from the variance: the variance term is missing.",
                 "`centred` is used in two lines, xhat and v: its gradient has two terms.");
  if (is("dcentred", [&] { return d.dv * s.centred * (2 / m); }))
    course::fail("dcentred lacks what arrives from xhat.",
                 "`centred` is used in two lines, xhat and v: its gradient has two terms.");
  if (is("dcentred", [&] { return d.dxhat * s.r + d.dv * s.centred * (2 / (m - 1)); }))
    course::fail("The term of the variance in dcentred is divided by M - 1.",
                 "The forward pass divides by M, so the backward pass has to as well. At M = 4 the "
                 "mistake is large; at M = 1000 no test with a loose tolerance would find it.");
  if (is("dcentred", [&] { return d.dxhat * s.r + d.dv * s.centred * 2.0; }))
    course::fail("The term of the variance in dcentred lacks 1/M.",
                 "v is a mean over M elements: each of them has the share 1/M.");
  if (is("dmu", [&] { return sum(d.dcentred, {0}); }))
    course::fail("dmu has the wrong sign.", "centred = x - mu.");
  if (is("dx", [&] { return d.dcentred; }))
    course::fail(str("Your dx sums to ", sum(found, {0})[0].item(),
                     " over the first set; the "
                     "gradient of a normalized set always sums to 0: the mean term is missing."),
                 "x is used in two lines, centred and mu.");
  if (is("dx", [&] { return d.dcentred + d.dmu; }))
    course::fail(str("Your dx sums to ", sum(found, {0})[0].item(),
                     " over the first set; the "
                     "gradient of a normalized set always sums to 0: 1/M is missing."),
                 "mu is a mean over M elements: each of them has the share 1/M.");
  course::same(name, found, known[wrong], "All lines above it are right: look at this one alone.",
               dtype == float32 ? 1e-4 : 1e-9);
}

}  // namespace

int main() {
  return course::run([] {
    check_type(float64);
    check_type(float32);
  });
}
