// Norms in float32 where naive formulas lose all digits.
#include <doctest/doctest.h>

#include <cmath>
#include <string>
#include <utility>

#include "../../core/base/parallel_for.h"
#include "../../core/grad.h"
#include "../../core/ops.h"
#include "../../core/tape.h"

using namespace gradus;

namespace {

struct Norm {
  const char* name;
  Tensor (*apply)(const Tensor& x, NormForm form);
};

/// Norms of x [N, C, L] without eps, which would hide a small variance.
const Norm norms[] = {
    {"batch", [](const Tensor& x, NormForm f) { return batch_norm_train(x, {}, {}, 0, f).y; }},
    {"instance", [](const Tensor& x, NormForm f) { return instance_norm(x, {}, {}, 0, f).y; }},
    {"group", [](const Tensor& x, NormForm f) { return group_norm(x, 1, {}, {}, 0, f); }},
    {"layer",
     [](const Tensor& x, NormForm f) {
       return layer_norm(x, {x.size(1), x.size(2)}, {}, {}, 0, f);
     }},
    {"rms", [](const Tensor& x, NormForm f) { return rms_norm(x, {x.size(2)}, {}, 0, f); }},
};

double largest(const Tensor& x) {
  return amax(abs(x)).item();
}

}  // namespace

TEST_CASE("every norm keeps its digits far from 0") {
  Rng g(1);
  const Tensor narrow_spread = randn({4, 2, 512}, g) * 0.01 + 100.0;
  const Tensor steps = tensor(
      {40000.0F, 40001.0F, 40002.0F, 40003.0F, 40002.0F, 40000.0F, 40003.0F, 40001.0F}, {2, 1, 4});
  for (const Tensor& x : {narrow_spread, steps}) {
    for (const Norm& norm : norms) {
      for (NormForm form : {NormForm::fused, NormForm::composed}) {
        CAPTURE(norm.name);
        CAPTURE(static_cast<int>(form));
        const Tensor expected = norm.apply(x.to(float64), form);
        CHECK(largest(norm.apply(x, form).to(float64) - expected) < 1e-3 * largest(expected));
      }
    }
  }
}

TEST_CASE("variances in float32 are those in float64 to 1e-3") {
  Rng g(2);
  const Tensor narrow_spread = randn({4096, 1}, g) * 0.01 + 100.0;
  const Tensor steps = tensor({40000.0F, 40001.0F, 40002.0F, 40003.0F}, {4, 1});
  for (const Tensor& x : {narrow_spread, steps}) {
    for (NormForm form : {NormForm::fused, NormForm::composed}) {
      const double found = batch_norm_train(x, {}, {}, 0, form).variance.item();
      const double expected = var(x.to(float64), {}, 0).item();
      CHECK(found == doctest::Approx(expected).epsilon(1e-3));
    }
  }
}

TEST_CASE("one element far from all others costs no digits, wherever it is") {
  Rng g(3);
  for (const int64_t at : {0, 1, 700, 4095}) {
    Tensor x = randn({2, 1, 4096}, g);
    x.mutable_data<float>()[at] = 3e4F;
    for (NormForm form : {NormForm::fused, NormForm::composed}) {
      CAPTURE(at);
      const Tensor expected = instance_norm(x.to(float64), {}, {}, 0, form).y;
      const Tensor error = instance_norm(x, {}, {}, 0, form).y.to(float64) - expected;
      CHECK(largest(error) < 1e-5 * largest(expected));
    }
  }
}

TEST_CASE("sets of every length come out right, with and without a whole vector in them") {
  Rng g(4);
  for (int64_t n = 2; n < 70; ++n) {
    CAPTURE(n);
    const Tensor x = randn({3, 2, n}, g), weight = randn({2}, g), bias = randn({2}, g);
    const auto difference = [&](const auto& norm) {
      return largest(norm(NormForm::fused) - norm(NormForm::composed));
    };
    CHECK(difference([&](NormForm f) { return batch_norm_train(x, weight, bias, 1e-5, f).y; }) <
          1e-5);
    CHECK(difference([&](NormForm f) { return instance_norm(x, weight, bias, 1e-5, f).y; }) < 1e-5);
    CHECK(difference([&](NormForm f) { return layer_norm(x, {n}, {}, {}, 1e-5, f); }) < 1e-5);
  }
}

TEST_CASE("batches of small images keep their digits, in whatever numbers images come") {
  Rng g(7);
  for (const int64_t positions : {1, 3, 16, 49, 196}) {
    for (const int64_t images : {19, 150}) {
      CAPTURE(positions);
      CAPTURE(images);
      const Tensor x = randn({images, 3, positions}, g) * 0.01 + 100.0;
      const Tensor gradient = randn(x.shape(), g);
      const auto derivative = [&](DType type) {
        Tape tape;
        const Tensor at = x.to(type).detach().requires_grad_();
        return grad(sum(batch_norm_train(at, {}, {}, 0).y * gradient.to(type)), {at})[0];
      };
      const Tensor expected = batch_norm_train(x.to(float64), {}, {}, 0).y;
      CHECK(largest(batch_norm_train(x, {}, {}, 0).y.to(float64) - expected) <
            1e-5 * largest(expected));
      CHECK(largest(derivative(float32).to(float64) - derivative(float64)) <
            1e-5 * largest(derivative(float64)));
    }
  }
}

namespace {

/// What f makes of x, the gradient of sum(f(x) g), and the gradient of sum(that u), all in double.
struct Derivatives {
  Tensor value, first, graphed, second;
};

template <class F>
Derivatives derivatives(const F& f, const Tensor& at, const Tensor& g, const Tensor& u) {
  const Tensor x = at.clone().requires_grad_();
  const auto weighted = [&] {
    const Tensor y = f(x);
    return std::pair(y, sum(y * g.to(x.dtype())));
  };
  Derivatives d;
  {
    Tape tape;
    d.first = grad(weighted().second, {x})[0].to(float64);
  }
  Tape tape;
  const auto [y, total] = weighted();
  const Tensor dx = grad(total, {x}, {.create_graph = true})[0];
  d.value = y.detach().to(float64);
  d.graphed = dx.detach().to(float64);
  d.second = grad(sum(dx * u.to(x.dtype())), {x})[0].to(float64);
  return d;
}

/// Whether `found` is right to 1e-3 of what is largest.
void check_near(const Tensor& found, const Tensor& expected) {
  CHECK(largest(found - expected) <= 1e-3 * largest(expected));
}

/// In float32 what it is in float64, in value and derivatives.
template <class F>
void check_digits(const F& f, const Tensor& x) {
  Rng rng(5);
  const Tensor shape_of_y = f(x), g = randn(shape_of_y.shape(), rng, float64);
  const Tensor u = randn(x.shape(), rng, float64);
  const Derivatives found = derivatives(f, x, g, u), expected = derivatives(f, x.to(float64), g, u);
  check_near(found.value, expected.value);
  check_near(found.first, expected.first);
  check_near(found.graphed, expected.graphed);
  check_near(found.second, expected.second);
}

/// x [2,2,8] of few bits around a large number, and of a spread that squares badly.
Tensor few_bits(double offset, double unit) {
  Rng rng(6);
  return (randint(-3, 4, {2, 2, 8}, rng).to(float64) * unit + offset).to(float32);
}

}  // namespace

TEST_CASE("the digits that an input has at an offset are those of values and both derivatives") {
  for (const Tensor& x : {few_bits(4194304, 0.5), few_bits(-8388608, 1), few_bits(1e10, 1024)}) {
    for (const Norm& norm : norms) {
      for (NormForm form : {NormForm::fused, NormForm::composed}) {
        CAPTURE(norm.name);
        CAPTURE(static_cast<int>(form));
        if (std::string(norm.name) == "rms") continue;  // it keeps the offset
        check_digits([&](const Tensor& v) { return norm.apply(v, form); }, x);
      }
    }
    check_digits([](const Tensor& v) { return var(v, {2}); }, x);
    check_digits([](const Tensor& v) { return stddev(v, {0, 2}, 0); }, x);
  }
}

TEST_CASE("norms, var and stddev of numbers whose squares are no floats") {
  for (const double unit : {2e19, 1e30, 1e-25}) {
    CAPTURE(unit);
    const Tensor x = few_bits(unit / 2, unit);
    for (const Norm& norm : norms) {
      for (NormForm form : {NormForm::fused, NormForm::composed}) {
        CAPTURE(norm.name);
        CAPTURE(static_cast<int>(form));
        const Tensor y = norm.apply(x, form), expected = norm.apply(x.to(float64), form);
        check_near(y.to(float64), expected);
        Tape tape;
        const Tensor leaf = x.clone().requires_grad_(), wide = x.to(float64).requires_grad_();
        Rng rng(7);
        const Tensor g = randn(x.shape(), rng);
        check_near(grad(sum(norm.apply(leaf, form) * g), {leaf})[0].to(float64) * unit,
                   grad(sum(norm.apply(wide, form) * g.to(float64)), {wide})[0] * unit);
      }
    }
    check_near(stddev(x, {2}).to(float64), stddev(x.to(float64), {2}));
    check_near(norm(x, {2}).to(float64), norm(x.to(float64), {2}));
  }
  // Two values in columns, in blocks, and as elements.
  const Tensor pair = tensor({0.0F, 2e19F});
  const std::vector<float> ends = {-1, 1};
  for (NormForm form : {NormForm::fused, NormForm::composed}) {
    CHECK(batch_norm_train(pair.reshape({2, 1}), {}, {}, 1e-5, form).y.to_vector<float>() == ends);
    CHECK(instance_norm(pair.reshape({1, 1, 2}), {}, {}, 1e-5, form).y.to_vector<float>() == ends);
    CHECK(layer_norm(pair, {2}, {}, {}, 1e-5, form).to_vector<float>() == ends);
  }
}

TEST_CASE("local_response_norm of numbers whose squares are no floats") {
  const Tensor x = few_bits(1e19, 2e19);
  check_near(local_response_norm(x, 2).to(float64), local_response_norm(x.to(float64), 2));
}

TEST_SUITE("slow") {
  TEST_CASE("forty million elements per channel have the variance of float64") {
    const int64_t n = 40'000'000;
    Tensor x = Tensor::empty({1, 1, n}, float32);
    float* const to = x.mutable_data<float>();
    // 100 + 0.01 sin(i): mean and variance in double from the values as they were rounded.
    parallel_for(n, 1 << 16, [=](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        to[i] = static_cast<float>(100 + 0.01 * std::sin(static_cast<double>(i)));
      }
    });
    double total = 0, squares = 0;
    for (int64_t i = 0; i < n; ++i) total += static_cast<double>(to[i]);
    const double mean = total / static_cast<double>(n);
    for (int64_t i = 0; i < n; ++i) {
      const double d = static_cast<double>(to[i]) - mean;
      squares += d * d;
    }
    for (NormForm form : {NormForm::fused, NormForm::composed}) {
      const NormResult found = batch_norm_train(x, {}, {}, 0, form);
      CHECK(found.mean.item() == doctest::Approx(mean).epsilon(1e-6));
      CHECK(found.variance.item() ==
            doctest::Approx(squares / static_cast<double>(n)).epsilon(1e-3));
    }
  }
}
