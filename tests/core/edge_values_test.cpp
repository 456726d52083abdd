// Infinities, NaN and zeros: what does not count must not turn what does into NaN.
#include <doctest/doctest.h>

#include <functional>
#include <limits>

#include "../../core/base/error.h"
#include "../../core/grad.h"
#include "../support/errors.h"
#include "checks.h"

using namespace gradus;
using test::message_of;
using test::values;

namespace {

constexpr double inf = std::numeric_limits<double>::infinity();
constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();
using Values = std::vector<double>;
using Function = std::function<Tensor(const Tensor&)>;

/// The gradient of sum(f(x)) at x.
Values slopes(const Function& f, const Tensor& at) {
  const Tensor x = at.clone().requires_grad_();
  const Tape tape;
  return values(grad(sum(f(x)), {x})[0]);
}

/// Derivatives of f at a number, by order.
Values orders(const Function& f, double at, int count) {
  const Tensor x = tensor({at}).requires_grad_();
  const Tape tape;
  Values found;
  Tensor y = sum(f(x));
  for (int order = 1; order <= count; ++order) {
    const Tensor dx = grad(y, {x}, {.create_graph = true})[0];
    found.push_back(dx.item());
    y = sum(dx);
  }
  return found;
}

bool near(const Values& found, const Values& expected) {
  if (found.size() != expected.size()) return false;
  for (size_t i = 0; i < found.size(); ++i) {
    if (found[i] != expected[i] && !(std::abs(found[i] - expected[i]) < 1e-12)) return false;
  }
  return true;
}

}  // namespace

TEST_CASE("an ignored row of any content has gradient 0 and leaves the others alone") {
  const Tensor target = tensor<int64_t>({1, -100, -100, -100});
  const Tensor logits = tensor({1.0, 2.0, -inf, -inf, not_a_number, 0.0, inf, 1.0}, {4, 2});
  const Tensor alone = tensor({1.0, 2.0}, {1, 2});
  for (const double smoothing : {0.0, 0.1}) {
    const auto loss = [&](const Tensor& t, Reduction reduction) {
      return [=](const Tensor& x) {
        return cross_entropy(x, t, {.reduction = reduction, .label_smoothing = smoothing});
      };
    };
    for (const Reduction reduction : {Reduction::none, Reduction::mean, Reduction::sum}) {
      Values expected = slopes(loss(tensor<int64_t>({1}), reduction), alone);
      expected.resize(8, 0);
      CHECK(slopes(loss(target, reduction), logits) == expected);
      CHECK(all_finite(loss(target, reduction)(logits)));
    }
  }
  CHECK(slopes([&](const Tensor& x) { return nll_loss(x, target); }, logits) ==
        Values{0, -1, 0, 0, 0, 0, 0, 0});
}

TEST_CASE("a class weight of 0 leaves out what it multiplies, and has a gradient itself") {
  const Tensor weight = tensor({0.0, 1.0}), target = tensor<int64_t>({0, 1});
  const Tensor logits = tensor({-inf, 0.0, 1.0, 1.0}, {2, 2});
  for (const double smoothing : {0.0, 0.5}) {
    const auto loss = [&](const Tensor& x) {
      return cross_entropy(x, target, {.weight = weight, .label_smoothing = smoothing});
    };
    CHECK(all_finite(loss(logits)));
    for (double slope : slopes(loss, logits)) CHECK(std::isfinite(slope));
  }
  const Tensor soft = tensor({0.5, 0.5, 0.5, 0.5}, {2, 2});
  CHECK(all_finite(cross_entropy(logits, soft, {.weight = weight})));
  CHECK(slopes(
            [&](const Tensor& w) {
              return cross_entropy(zeros({2, 2}, float64), target,
                                   {.weight = w, .reduction = Reduction::sum});
            },
            weight) == Values{std::log(2.0), std::log(2.0)});
}

TEST_CASE("soft targets of 0 count nothing, whatever the logit") {
  const auto loss = [](const Tensor& x) { return cross_entropy(x, tensor({0.0, 1.0}, {1, 2})); };
  const Tensor logits = tensor({-inf, 0.0}, {1, 2});
  CHECK(loss(logits).item() == 0);
  CHECK(slopes(loss, logits) == Values{0, 0});
}

TEST_CASE("binary cross entropy of certain logits") {
  const Tensor x = tensor({inf, -inf, inf, -inf}), t = tensor({1.0, 0.0, 0.0, 1.0});
  const auto loss = [&](const Tensor& v) {
    return binary_cross_entropy_with_logits(v, t, {.reduction = Reduction::none});
  };
  CHECK(values(loss(x)) == Values{0, 0, inf, inf});
  CHECK(slopes(loss, x) == Values{0, 0, 1, -1});
  const Tensor none = zeros({4}, float64);
  CHECK(binary_cross_entropy_with_logits(x, t, {.weight = none}).item() == 0);
  CHECK(values(binary_cross_entropy_with_logits(
            x, t, {.pos_weight = none, .reduction = Reduction::none})) == Values{0, 0, inf, 0});
  // To second order from probabilities 0 and 1, for the target as well.
  const Tensor p = tensor({0.0, 1.0}).requires_grad_(), q = tensor({0.0, 1.0}).requires_grad_();
  const Tape tape;
  const Tensor dq = grad(sum(binary_cross_entropy(p, q)), {q}, {.create_graph = true})[0];
  CHECK(values(grad(sum(dq), {p})[0]) == Values{-0.5, -0.5});
}

TEST_CASE("divergences and counts of 0 count nothing") {
  CHECK(kl_div(tensor({-inf, 0.0}), tensor({-inf, 0.0}), {.log_target = true}).item() == 0);
  const auto kl = [](const Tensor& x) {
    return kl_div(x, tensor({-inf, 0.0}), {.reduction = KlReduction::sum, .log_target = true});
  };
  CHECK(slopes(kl, tensor({-inf, 0.0})) == Values{0, -1});
  const Tensor t = tensor({0.0, 1.0});
  const auto by_logarithm = [&](const Tensor& x) {
    return poisson_nll_loss(x, t, {.reduction = Reduction::none});
  };
  CHECK(values(by_logarithm(tensor({-inf, inf}))) == Values{0, inf});
  CHECK(slopes(by_logarithm, tensor({-inf, 0.0})) == Values{0, 0});
  const auto by_rate = [&](const Tensor& x) {
    return poisson_nll_loss(x, t, {.log_input = false, .eps = 0, .reduction = Reduction::none});
  };
  CHECK(values(by_rate(tensor({0.0, inf}))) == Values{0, inf});
  CHECK(slopes(by_rate, tensor({0.0, 1.0})) == Values{1, 0});
  CHECK(multi_margin_loss(tensor({0.0, inf}, {1, 2}), tensor<int64_t>({0}),
                          {.weight = tensor({0.0, 1.0})})
            .item() == 0);
}

TEST_CASE("dropout drops whatever it is, and its gradient whatever that is") {
  Rng rng(1), again(1);
  const Tensor kept = dropout(ones({64}, float64), 0.5, again);
  const Tensor y = dropout(full({64}, inf, float64), 0.5, rng);
  for (size_t i = 0; i < 64; ++i) CHECK(values(y)[i] == (values(kept)[i] == 0 ? 0 : inf));
  Rng once(1);
  const Values dx =
      slopes([&](const Tensor& x) { return dropout(x, 0.5, once) * full({64}, inf, float64); },
             ones({64}, float64));
  for (size_t i = 0; i < 64; ++i) CHECK(dx[i] == (values(kept)[i] == 0 ? 0 : inf));
  CHECK(values(alpha_dropout(tensor({inf}), 1, rng)) == Values{0});
}

TEST_CASE("activations have their limits at the infinities, and the slopes of their tails") {
  struct Limits {
    const char* name;
    Function f;
    Values ends, tails;
  };
  const Limits all[] = {
      {"gelu", [](const Tensor& x) { return gelu(x); }, {0, inf}, {0, 1}},
      {"gelu tanh", [](const Tensor& x) { return gelu(x, Gelu::tanh); }, {0, inf}, {0, 1}},
      {"silu", silu, {0, inf}, {0, 1}},
      {"mish", mish, {0, inf}, {0, 1}},
      {"hardswish", hardswish, {0, inf}, {0, 1}},
      {"softsign", softsign, {-1, 1}, {0, 0}},
      {"softplus", [](const Tensor& x) { return softplus(x); }, {0, inf}, {0, 1}},
      {"log_sigmoid", log_sigmoid, {-inf, 0}, {1, 0}},
      {"elu", [](const Tensor& x) { return elu(x, 2); }, {-2, inf}, {0, 1}},
      {"celu", [](const Tensor& x) { return celu(x, 2); }, {-2, inf}, {0, 1}},
      {"leaky_relu", [](const Tensor& x) { return leaky_relu(x, 0); }, {0, inf}, {0, 1}},
      {"prelu", [](const Tensor& x) { return prelu(x, zeros({1}, x.dtype())); }, {0, inf}, {0, 1}},
      {"tanh", [](const Tensor& x) { return gradus::tanh(x); }, {-1, 1}, {0, 0}},
      {"sigmoid", sigmoid, {0, 1}, {0, 0}},
      {"erf", [](const Tensor& x) { return gradus::erf(x); }, {-1, 1}, {0, 0}},
      {"hardsigmoid", hardsigmoid, {0, 1}, {0, 0}},
      {"tanhshrink", tanhshrink, {-inf, inf}, {1, 1}},
  };
  for (const Limits& each : all) {
    CAPTURE(std::string(each.name));
    CHECK(near(values(each.f(tensor({-inf, inf}))), each.ends));
    for (const double size : {1e8, 2e19, 1e38, inf}) {
      CAPTURE(size);
      CHECK(near(slopes(each.f, tensor({-size, size}).to(float32)), each.tails));
      const Tensor x = tensor({-size, size}).requires_grad_();
      const Tape tape;
      const Tensor dx = grad(sum(each.f(x)), {x}, {.create_graph = true})[0];
      if (dx.requires_grad()) CHECK(all_finite(grad(sum(dx), {x}, {.allow_unused = true})[0]));
    }
  }
  CHECK(softplus(tensor({500.0F}), 1, 1000).item() == 500);
}

TEST_CASE("a slope of exactly 0 stops an infinite gradient") {
  const auto root = [](const Function& f) { return [=](const Tensor& x) { return sqrt(f(x)); }; };
  CHECK(slopes(root([](const Tensor& x) { return clamp(x, 0, {}); }), tensor({-1.0, 4.0})) ==
        Values{0, 0.25});
  CHECK(slopes(root([](const Tensor& x) { return maximum(x, 0); }), tensor({-1.0, 4.0})) ==
        Values{0, 0.25});
  CHECK(slopes(root([](const Tensor& x) { return amax(x); }), tensor({-1.0, 0.0})) ==
        Values{0, inf});
  CHECK(slopes(root([](const Tensor& x) { return abs(x); }), tensor({0.0, 4.0})) ==
        Values{0, 0.25});
}

TEST_CASE("logsumexp of infinities") {
  const auto f = [](const Tensor& x) { return logsumexp(x, {1}); };
  const Tensor x = tensor({-inf, -inf, 0.0, 0.0, inf, 1.0, -inf, 3.0}, {4, 2});
  CHECK(near(values(f(x)), {-inf, std::log(2.0), inf, 3}));
  CHECK(near(slopes(f, x), {0, 0, 0.5, 0.5, 1, 0, 0, 1}));
}

TEST_CASE("softmax of a row of -inf is NaN, and no other row's gradient is") {
  const Tensor x = tensor({-inf, -inf, 0.0, 0.0}, {2, 2});
  CHECK(std::isnan(values(softmax(x, 1))[0]));
  const Values dx = slopes(
      [](const Tensor& v) {
        return log_softmax(v, 1) * tensor({1.0, 0.0});
      },
      x);
  CHECK(std::isnan(dx[0]));
  CHECK(near({dx[2], dx[3]}, {0.5, -0.5}));
}

TEST_CASE("powers with exponent 0, 1 and 2 have all their derivatives at 0") {
  const auto power = [](double p) { return [p](const Tensor& x) { return pow(x, p); }; };
  CHECK(orders(power(0), 0, 3) == Values{0, 0, 0});
  CHECK(orders(power(1), 0, 3) == Values{1, 0, 0});
  CHECK(orders(power(2), 0, 3) == Values{0, 2, 0});
  CHECK(orders(power(3), 0, 4) == Values{0, 0, 6, 0});
  CHECK(orders(power(0), 2, 3) == Values{0, 0, 0});
  // The mixed derivative of a^b at b = 0 is 1 / a.
  const Tensor a = tensor({2.0}).requires_grad_(), b = tensor({0.0}).requires_grad_();
  const Tape tape;
  const Tensor da = grad(sum(pow(a, b)), {a}, {.create_graph = true})[0];
  CHECK(grad(sum(da), {b})[0].item() == 0.5);
}

TEST_CASE("a batch norm with given statistics has a gradient at an infinite input") {
  const Tensor x = tensor({inf, 1.0, -inf, 2.0}, {2, 2}), mean = zeros({2}, float64);
  for (const Shape& shape : {Shape{2, 2}, Shape{1, 2, 2}}) {
    for (const NormForm form : {NormForm::fused, NormForm::composed}) {
      const Values dx = slopes(
          [&](const Tensor& v) {
            return batch_norm_eval(v, mean, ones_like(mean), {}, {}, 0, form);
          },
          x.reshape(shape));
      CHECK(dx == Values{1, 1, 1, 1});
    }
  }
}

TEST_CASE("a max pool window wholly in the padding has no gradient to give") {
  const Tensor x = tensor({1.0, 2.0}, {1, 1, 2});
  const Pool1dOptions options = {.kernel_size = 2, .stride = 1, .padding = 1, .dilation = 3};
  const auto pool = [&](const Tensor& v) { return max_pool1d(v, options); };
  CHECK(values(pool(x)) == Values{-inf});
  CHECK(slopes(pool, x) == Values{0, 0});
  CHECK(values(max_pool1d_with_indices(x, options).indices.to(float64)) == Values{0});
}

TEST_CASE("norms of a single value are refused by the functions as by the layers") {
  CHECK(message_of([] {
          batch_norm_train(ones({1, 3, 1, 1}));
        }) ==
        "[batch_norm] expected more than 1 value per channel, got input [1,3,1,1]. Hint: the "
        "variance of one value is 0: use more samples, or batch_norm_eval()");
  CHECK(message_of([] {
          instance_norm(ones({2, 3, 1}));
        })
            .starts_with("[instance_norm] expected more than 1 value per channel and sample, got "
                         "input [2,3,1]"));
  CHECK(message_of([] {
          group_norm(ones({2, 3}), 3);
        }).starts_with("[group_norm] expected more than 1 value per group, got input [2,3]"));
  CHECK(values(layer_norm(ones({2, 1}), {1})) == Values{0, 0});  // as in PyTorch
}
