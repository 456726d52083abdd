#include "identities.h"

#include <gradus/core/grad.h>
#include <gradus/nn/norm.h>

#include <cmath>

#include "microscope.h"

namespace gradus::lab {

namespace {

constexpr int64_t num_channels = 4;

/// Random numbers, the same for each shape.
Tensor random(const Shape& shape, uint64_t seed) {
  Rng rng(seed, Stream::general);
  return randn(shape, rng, float64);
}

struct Case {
  Norm norm;
  double eps;
  Tensor x, g;    // input, gradient of the output
  Tensor w;       // of a convolution
  Tensor factor;  // weight of the norm
  Sets sets;

  explicit Case(const NormCase& of)
      : norm(of.norm),
        eps(of.eps),
        x(random({of.batch, num_channels, 3, 3}, 1)),
        g(random(x.shape(), 2)),
        w(random({num_channels, num_channels, 3, 3}, 3)),
        factor(random({1, num_channels, 1, 1}, 4)),
        sets{of.norm, x.shape()} {}

  Tensor f(const Tensor& input, double scale = 1) const {
    return normalized(input, norm, eps * scale, sets.groups);
  }
  Tensor conv(const Tensor& input, const Tensor& weight) const {
    return conv2d(input, weight, {}, {.padding = {1, 1}});
  }
  /// eps / (v + eps) <u, x^> of each set, and their sum: what keeps the gradient from being
  /// orthogonal.
  Tensor leak(const Tensor& input, const Tensor& u) const {
    const Parts parts = parts_of(sets.rows(input), eps);
    return eps / (parts.variance + eps) * sum(sets.rows(u) * parts.x_hat, {1}, true);
  }
};

/// d<g, h(input)> / d input.
template <class Function>
Tensor gradient(const Tensor& input, const Tensor& g, const Function& h) {
  Tensor leaf = input.clone();
  leaf.requires_grad_();
  Tape tape;
  return gradus::grad(h(leaf), {leaf}, {.gradient = g})[0];
}

double length(const Tensor& x) {
  return norm(x).item();
}

double no_sum(const Case& c) {
  const Tensor dx = gradient(c.x, c.g, [&](const Tensor& x) { return c.f(x); });
  return max(abs(sum(c.sets.rows(dx), {1}))).item() / length(dx);
}

double along_output(const Case& c) {
  const Parts parts = parts_of(c.sets.rows(c.x), c.eps);
  const Tensor dx = gradient(c.x, c.g, [&](const Tensor& x) { return c.f(x); });
  const Tensor product = sum(c.sets.rows(dx) * parts.x_hat, {1}, true);
  return max(abs(product - parts.r * c.leak(c.x, c.g))).item() / length(dx);
}

double squared_length(const Case& c) {
  const Parts parts = parts_of(c.sets.rows(c.x), c.eps);
  const Tensor u = c.sets.rows(c.g), m = full({1}, static_cast<double>(u.size(1)), float64);
  const Tensor dx = gradient(c.x, c.g, [&](const Tensor& x) { return c.f(x); });
  const Tensor ones_u = square(sum(u, {1}, true)), hat_u = square(sum(u * parts.x_hat, {1}, true));
  const Tensor hat = sum(square(parts.x_hat), {1}, true) / m;
  return deviation(
      sum(square(c.sets.rows(dx)), {1}, true),
      square(parts.r) * (sum(square(u), {1}, true) - ones_u / m - hat_u / m * (2.0 - hat)));
}

double shift_and_scale(const Case& c) {
  const Tensor moved = c.x * 3.0 + 5.0;
  const Tensor dx = gradient(c.x, c.g, [&](const Tensor& x) { return c.f(x); });
  const Tensor there = gradient(moved, c.g, [&](const Tensor& x) { return c.f(x, 9); });
  return std::max(deviation(c.f(moved, 9), c.f(c.x)), deviation(there * 3.0, dx));
}

double weight_scale(const Case& c) {
  const auto h = [&](const Tensor& w) { return c.f(c.conv(c.x, w)); };
  const Tensor dw = gradient(c.w, c.g, h);
  const double product = sum(c.w * dw).item(), leak = sum(c.leak(c.conv(c.x, c.w), c.g)).item();
  const Tensor there =
      gradient(c.w * 10.0, c.g, [&](const Tensor& w) { return c.f(c.conv(c.x, w), 100); });
  return std::max(std::abs(product - leak) / (length(c.w) * length(dw)),
                  deviation(there * 10.0, dw));
}

double pythagoras(const Case& c) {
  const Tensor dw = gradient(c.w, c.g, [&](const Tensor& w) { return c.f(c.conv(c.x, w)); });
  const double rate = 0.1, leak = sum(c.leak(c.conv(c.x, c.w), c.g)).item();
  const double after = sum(square(c.w - dw * rate)).item();
  const double before = sum(square(c.w)).item() + rate * rate * sum(square(dw)).item();
  return std::abs(after - (before - 2 * rate * leak)) / after;
}

double special_cases(const Case& c) {
  const Tensor one = c.x.narrow(0, 0, 1);
  switch (c.norm) {
    case Norm::batch:
      return deviation(c.f(one), normalized(one, Norm::instance, c.eps));
    case Norm::layer:
      return deviation(c.f(c.x), layer_norm(c.x, {num_channels, 3, 3}, {}, {}, c.eps));
    case Norm::instance:
      return deviation(c.f(c.x), group_norm(c.x, num_channels, {}, {}, c.eps));
    default:
      return deviation(c.f(c.x).reshape({-1, 2, 3, 3}),
                       normalized(c.x.reshape({-1, 2, 3, 3}), Norm::layer, c.eps));
  }
}

double jacobian_row(const Case& c) {
  Tensor g = zeros(c.x.shape(), float64);
  g.mutable_data<double>()[0] = 1;  // the first element is the first of the first set
  const Tensor dx = c.sets.rows(gradient(c.x, g, [&](const Tensor& x) { return c.f(x); }));
  const Parts parts = parts_of(c.sets.rows(c.x), c.eps);
  const auto m = static_cast<double>(dx.size(1));
  const Tensor hat = parts.x_hat[0], first = hat[0];
  const Tensor unit = c.sets.rows(g)[0];
  return deviation(dx[0], parts.r[0] * (unit - (hat * first + 1.0) / m));
}

double affine_in_evaluation(const Case& c) {
  if (c.norm != Norm::batch) return NAN;
  const Tensor mean = random({num_channels}, 5), variance = square(random({num_channels}, 6)) + 0.1;
  const auto f = [&](const Tensor& x) { return batch_norm_eval(x, mean, variance, {}, {}, c.eps); };
  return deviation(f(c.x * 0.3 + c.g * 0.7), f(c.x) * 0.3 + f(c.g) * 0.7);
}

double duplicated(const Case& c) {
  const auto h = [&](const Tensor& x) { return c.f(x); };
  const Tensor twice = cat({c.x, c.x}, 0), n = gradient(twice, cat({c.g, c.g}, 0) * 0.5, h);
  return std::max(deviation(c.f(twice), cat({c.f(c.x), c.f(c.x)}, 0)),
                  deviation(n.narrow(0, 0, c.x.size(0)) * 2.0, gradient(c.x, c.g, h)));
}

double running_statistics(const Case& c) {
  if (c.norm != Norm::batch) return NAN;
  nn::BatchNorm2d layer({.num_features = num_channels, .eps = c.eps, .momentum = 0.1});
  layer.to(float64);
  for (int step = 0; step < 7; ++step) layer(c.x);
  const double kept = std::pow(0.9, 7);
  const Tensor mean_of_x = mean(c.x, {0, 2, 3}), variance = var(c.x, {0, 2, 3}, 1);
  return std::max(deviation(layer.running_mean, mean_of_x * (1 - kept)),
                  deviation(layer.running_var, variance * (1 - kept) + kept));
}

double affine_part(const Case& c) {
  const Tensor shift = c.factor * 0.5 + 0.1;
  const auto next = [&](const Tensor& y) { return c.conv(relu(y), c.w); };
  const Tensor y = c.f(c.x) * c.factor + shift;
  const Tensor dy = gradient(y, c.g, [&](const Tensor& input) { return c.f(next(input)); });
  const double product = sum(dy * c.f(c.x) * c.factor).item() + sum(dy * shift).item();
  return std::abs(product - sum(c.leak(next(y), c.g)).item()) / (length(dy) * length(y));
}

/// Makes a function of a Case one of what it is made of.
template <double (*deviation_of)(const Case&)>
double of_case(const NormCase& c) {
  return deviation_of(Case(c));
}

constexpr std::array identity_table = {
    Identity{"1 the gradient sums to 0 in each set", of_case<no_sum>},
    Identity{"2 <dx, x^> = r eps / (v + eps) <u, x^>", of_case<along_output>},
    Identity{"3 squared length of dx", of_case<squared_length>},
    Identity{"4 a x + b gives the same, a dx too", of_case<shift_and_scale>},
    Identity{"5 weights have no scale", of_case<weight_scale>},
    Identity{"6 Pythagoras of a step", of_case<pythagoras>},
    Identity{"7 special cases agree", of_case<special_cases>},
    Identity{"8 entries of the Jacobian", of_case<jacobian_row>},
    Identity{"9 evaluation is affine", of_case<affine_in_evaluation>},
    Identity{"10 a batch twice", of_case<duplicated>},
    Identity{"11 running statistics", of_case<running_statistics>},
    Identity{"12 gamma and beta before a norm", of_case<affine_part>}};

}  // namespace

std::span<const Identity> identities() {
  return identity_table;
}

}  // namespace gradus::lab
