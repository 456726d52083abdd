#include <doctest/doctest.h>

#include <limits>

#include "../../core/base/error.h"
#include "../../core/base/parallel_for.h"
#include "../../core/grad.h"
#include "checks.h"

using namespace gradus;
using namespace gradus::test;

namespace {

constexpr double inf = std::numeric_limits<double>::infinity();
constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

struct NamedReduction {
  const char* name;
  Tensor (*apply)(const Tensor& x, const Dims& dims, bool keepdim);
};

Tensor sum_of(const Tensor& x, const Dims& d, bool k) {
  return sum(x, d, k);
}
Tensor mean_of(const Tensor& x, const Dims& d, bool k) {
  return mean(x, d, k);
}
Tensor var_of(const Tensor& x, const Dims& d, bool k) {
  return var(x, d, 1, k);
}
Tensor stddev_of(const Tensor& x, const Dims& d, bool k) {
  return stddev(x, d, 0, k);
}
Tensor norm_of(const Tensor& x, const Dims& d, bool k) {
  return norm(x, d, 2, k);
}
Tensor norm3_of(const Tensor& x, const Dims& d, bool k) {
  return norm(x, d, 3, k);
}
Tensor norm1_of(const Tensor& x, const Dims& d, bool k) {
  return norm(x, d, 1, k);
}
Tensor norm_max_of(const Tensor& x, const Dims& d, bool k) {
  return norm(x, d, inf, k);
}

const std::vector<NamedReduction> reductions = {
    {"sum", sum_of},      {"mean", mean_of},    {"var", var_of},          {"stddev", stddev_of},
    {"amax", amax},       {"amin", amin},       {"logsumexp", logsumexp}, {"norm", norm_of},
    {"norm 3", norm3_of}, {"norm 1", norm1_of}, {"norm inf", norm_max_of}};

/// Gradient of f(x), a single number, for x.
Tensor gradient(const TensorFunction& f, const Tensor& x) {
  const Tensor leaf = x.clone().requires_grad_();
  const Tape tape;
  return grad(f({leaf}), {leaf})[0];
}

Tensor list(std::initializer_list<double> values) {
  return tensor(values);
}

}  // namespace

TEST_CASE("every reduction has the same shapes: dims dropped, or kept with size 1") {
  const Tensor x = random({2, 3, 4});
  for (const NamedReduction& r : reductions) {
    const auto f = r.apply;
    CAPTURE(r.name);
    CHECK(f(x, {}, false).shape() == Shape{});
    CHECK(f(x, {}, true).shape() == Shape{1, 1, 1});
    CHECK(f(x, {1}, false).shape() == Shape{2, 4});
    CHECK(f(x, {-1, 0}, false).shape() == Shape{3});
    CHECK(f(x, {2, 0}, true).shape() == Shape{1, 3, 1});
    CHECK(f(full({}, 2.0, float64), {}, false).shape() == Shape{});
  }
}

TEST_CASE("every reduction gives strided inputs the result of their copies") {
  const Tensor x = random({5, 4, 6});
  const std::vector<Tensor> views = {permute(x, {2, 0, 1}), slice(x, 2, 1, 2, 3),
                                     expand(random({5, 1, 6}), {5, 4, 6})};
  for (const NamedReduction& r : reductions) {
    const auto f = r.apply;
    CAPTURE(r.name);
    for (const Tensor& view : views) {
      for (const Dims& dims : {Dims{0}, Dims{1}, Dims{2}, Dims{0, 2}, Dims{}}) {
        check_close(f(view, dims, false), f(view.clone(), dims, false));
      }
    }
  }
}

TEST_CASE("derivatives of every reduction, first and second order") {
  for (const NamedReduction& r : reductions) {
    const auto f = r.apply;
    CAPTURE(r.name);
    for (const Dims& dims : {Dims{}, Dims{0}, Dims{1}}) {
      check_gradients([&](const std::vector<Tensor>& x) { return f(x[0], dims, false); },
                      {random({3, 4})});
    }
  }
}

TEST_CASE("errors of reductions: dimensions out of range, named twice, whole numbers") {
  const Tensor x = random({2, 3});
  for (const NamedReduction& r : reductions) {
    const auto f = r.apply;
    CAPTURE(r.name);
    CHECK_THROWS_AS(f(x, {2}, false), IndexError);
    CHECK_THROWS_AS(f(x, {1, -1}, false), IndexError);
  }
  CHECK_THROWS_AS(mean(zeros({2}, int64)), DTypeError);
  CHECK_THROWS_AS(var(zeros({2}, int64)), DTypeError);
  CHECK_THROWS_AS(norm(zeros({2}, int64)), DTypeError);
  CHECK_THROWS_AS(logsumexp(zeros({2}, int64), {0}), DTypeError);
}

// --- Spread ---

TEST_CASE("var and stddev of four numbers, as sample and as population") {
  const Tensor x = list({1, 2, 3, 6});
  CHECK(var(x).item() == doctest::Approx(14.0 / 3));
  CHECK(var(x, {}, 0).item() == doctest::Approx(3.5));
  CHECK(stddev(x).item() == doctest::Approx(std::sqrt(14.0 / 3)));
}

TEST_CASE("var does not cancel where the mean is much larger than the spread") {
  const Tensor x = tensor({40000.0F, 40001.0F, 40002.0F, 40003.0F});
  CHECK(var(x).item() == doctest::Approx(5.0 / 3).epsilon(1e-6));
}

TEST_CASE("the sample variance of one number is NaN, its population variance 0") {
  CHECK(std::isnan(var(list({3})).item()));
  CHECK(var(list({3}), {}, 0).item() == 0);
}

TEST_CASE("the gradient of stddev is 0 where all numbers are equal") {
  const TensorFunction f = [](const std::vector<Tensor>& x) { return stddev(x[0]); };
  CHECK(values(gradient(f, list({2, 2, 2}))) == std::vector<double>{0, 0, 0});
}

// --- Largest and smallest ---

TEST_CASE("amax and amin share the gradient among equal elements") {
  const auto top = [](const std::vector<Tensor>& x) { return amax(x[0]); };
  const auto bottom = [](const std::vector<Tensor>& x) { return amin(x[0]); };
  const Tensor x = list({3, 1, 3, 1, 3, 2});
  CHECK(values(gradient(top, mul(x, 1))) ==
        std::vector<double>{1.0 / 3, 0, 1.0 / 3, 0, 1.0 / 3, 0});
  CHECK(values(gradient(bottom, x)) == std::vector<double>{0, 0.5, 0, 0.5, 0, 0});
}

TEST_CASE("max and min of everything are amax and amin, for every number type") {
  const Tensor x = tensor({3.0F, -7.0F, 5.0F}, {1, 3});
  for (DType dtype : {float32, float64, int64, int32}) {
    CHECK(max(to(x, dtype)).item() == 5);
    CHECK(min(to(x, dtype)).item() == -7);
  }
  CHECK(max(tensor<uint8_t>({4, 200, 7})).item() == 200);
}

TEST_CASE("NaN wins over every number, wherever it stands") {
  for (int64_t place : {0, 3, 40}) {
    Tensor x = random({50});
    x.narrow(0, place, 1).fill_(not_a_number);
    CHECK(std::isnan(amax(x).item()));
    CHECK(std::isnan(amin(x).item()));
    CHECK(argmax(x).item() == place);
    CHECK(argmin(x, 0).item() == place);
  }
}

TEST_CASE("there is no largest element among none") {
  CHECK_THROWS_WITH_AS(amax(zeros({2, 0}), {1}),
                       "[amax] no element to choose from: reducing dimensions [1] of [2,0]. Hint: "
                       "reduce dimensions that are not empty",
                       ShapeError);
  CHECK_THROWS_AS(max(zeros({0, 3})), ShapeError);
  CHECK_THROWS_AS(argmax(zeros({0})), ShapeError);
  CHECK_THROWS_AS(max(zeros({3, 0}), 1), ShapeError);
  CHECK(amax(zeros({2, 0}), {0}).shape() == Shape{0});
  CHECK(max(zeros({2, 0}), 0).indices.shape() == Shape{0});
}

TEST_CASE("max along a dimension: values, places, and the first of equals") {
  const Tensor x = tensor({1.0, 5.0, 5.0, 7.0, 2.0, 7.0}, {2, 3});
  const auto [values, indices] = max(x, 1);
  CHECK(values.to_vector<double>() == std::vector<double>{5, 7});
  CHECK(indices.to_vector<int64_t>() == std::vector<int64_t>{1, 0});
  CHECK(max(x, 0, true).indices.shape() == Shape{1, 3});
  CHECK(min(x, 0).indices.to_vector<int64_t>() == std::vector<int64_t>{0, 1, 0});
  CHECK(argmax(x).item() == 3);
  CHECK(argmin(x, 1).to_vector<int64_t>() == std::vector<int64_t>{0, 1});
  CHECK(argmax(x, {}, true).shape() == Shape{1, 1});
  CHECK(argmax(transpose(x, 0, 1)).item() == 1);
  CHECK(max(full({}, 4.0), 0).values.item() == 4);
}

TEST_CASE("max along a dimension gives the whole gradient to the element it chose") {
  const TensorFunction f = [](const std::vector<Tensor>& x) { return sum(max(x[0], 1).values); };
  const Tensor x = tensor({1.0, 5.0, 5.0, 7.0, 2.0, 7.0}, {2, 3});
  CHECK(values(gradient(f, x)) == std::vector<double>{0, 1, 0, 1, 0, 0});
  for (int64_t dim : {0, 1}) {
    check_gradients([dim](const std::vector<Tensor>& v) { return max(v[0], dim).values; },
                    {random({3, 4})});
    check_gradients([dim](const std::vector<Tensor>& v) { return min(v[0], dim, true).values; },
                    {random({3, 4})});
  }
}

// --- Norms ---

TEST_CASE("norms of (3, -4, 0)") {
  const Tensor x = list({3, -4, 0});
  CHECK(norm(x).item() == 5);
  CHECK(norm(x, {}, 1).item() == 7);
  CHECK(norm(x, {}, 0).item() == 2);
  CHECK(norm(x, {}, inf).item() == 4);
  CHECK(norm(x, {}, 3).item() == doctest::Approx(std::cbrt(91.0)));
  CHECK(norm(zeros({0})).item() == 0);
}

TEST_CASE("the gradient of a norm at 0 is 0") {
  for (double ord : {0.0, 0.5, 1.0, 1.5, 2.0, 3.0, inf}) {
    CAPTURE(ord);
    const TensorFunction f = [ord](const std::vector<Tensor>& x) { return norm(x[0], {}, ord); };
    CHECK(values(gradient(f, list({0, 0}))) == std::vector<double>{0, 0});
  }
  const TensorFunction f = [](const std::vector<Tensor>& x) { return norm(x[0], {}, 1.5); };
  CHECK(values(gradient(f, list({2, 0})))[1] == 0);
}

TEST_CASE("norms of negative order: small magnitudes count, and a single 0 makes them 0") {
  const Tensor x = list({3, -4, 6});
  CHECK(norm(x, {}, -inf).item() == 3);
  CHECK(norm(x, {}, -1).item() == doctest::Approx(4.0 / 3));
  CHECK(norm(x, {}, -2).item() == doctest::Approx(12 / std::sqrt(29.0)));
  CHECK(norm(list({3, 0}), {}, -1).item() == 0);
  CHECK(values(norm(tensor({1.0, 1.0, 2.0, 0.0}, {2, 2}), {1}, -1)) == std::vector<double>{0.5, 0});
  for (double ord : {-inf, -0.5, -1.0, -2.0}) {
    const TensorFunction f = [ord](const std::vector<Tensor>& v) { return norm(v[0], {1}, ord); };
    check_gradients(f, {random({3, 4})});
    CHECK(values(gradient([ord](const std::vector<Tensor>& v) { return norm(v[0], {}, ord); },
                          list({2, 0}))) == std::vector<double>{0, 0});
    CHECK_THROWS_AS(norm(zeros({2, 0}), {1}, ord), ShapeError);
    CHECK(norm(zeros({0, 2}), {1}, ord).shape() == Shape{0});
  }
}

TEST_CASE("norm rejects NaN") {
  CHECK_THROWS_WITH_AS(norm(zeros({2}), {}, not_a_number),
                       "[norm] ord is NaN. Hint: it may be any number, and +-infinity", ValueError);
}

// --- Log-sum-exp ---

TEST_CASE("logsumexp neither overflows nor underflows") {
  CHECK(logsumexp(list({1000, 1000}), {0}).item() == doctest::Approx(1000 + std::log(2.0)));
  CHECK(logsumexp(list({-1000, -1000}), {0}).item() == doctest::Approx(-1000 + std::log(2.0)));
  CHECK(logsumexp(list({-inf, 1}), {0}).item() == 1);
  CHECK(logsumexp(list({-inf, -inf}), {0}).item() == -inf);
  CHECK(logsumexp(list({inf, 1}), {0}).item() == inf);
  CHECK(logsumexp(zeros({0}), {0}).item() == -inf);
}

TEST_CASE("logsumexp is one line on the tape") {
  const Tensor x = random({4}).requires_grad_();
  const Tape tape;
  logsumexp(x, {0}, true);
  CHECK(tape.size() == 2);  // the leaf and the operation
}

// --- Products ---

TEST_CASE("prod along a dimension and of everything, for odd and even lengths") {
  for (int64_t n : {1, 2, 3, 4, 5, 7, 8, 13}) {
    const Tensor x = arange(1, static_cast<double>(n) + 1, 1, float64);
    CHECK(prod(x).item() == doctest::Approx(std::tgamma(static_cast<double>(n) + 1)));
  }
  const Tensor x = tensor({1.0, 2.0, 3.0, 4.0, 5.0, 6.0}, {2, 3});
  CHECK(prod(x, 0).to_vector<double>() == std::vector<double>{4, 10, 18});
  CHECK(prod(x, -1, true).shape() == Shape{2, 1});
  CHECK(prod(tensor<uint8_t>({200, 3})).item() == 600);
  CHECK(prod(zeros({0})).item() == 1);
  CHECK(prod(zeros({2, 0}), 1).to_vector<float>() == std::vector<float>{1, 1});
  CHECK(prod(full({}, 3.0)).item() == 3);
}

TEST_CASE("prod of a single number is a copy, not the number itself") {
  const Tensor x = ones({1});
  Tensor y = prod(x, 0, true);
  y.fill_(5);
  CHECK(x.item() == 1);
}

TEST_CASE("the gradient of prod is right where elements are zero, to second order") {
  const TensorFunction f = [](const std::vector<Tensor>& x) { return prod(x[0]); };
  CHECK(values(gradient(f, list({2, 0, 3}))) == std::vector<double>{0, 6, 0});
  CHECK(values(gradient(f, list({2, 0, 0}))) == std::vector<double>{0, 0, 0});
  check_gradients(f, {list({2, 0, 3, 0.5, -1})});
  check_gradients(f, {list({2, 0, 0, 3})});
  check_gradients([](const std::vector<Tensor>& x) { return prod(x[0], 0); }, {random({5, 2})});
}

// --- Running sums ---

TEST_CASE("cumsum along each dimension") {
  const Tensor x = tensor({1.0, 2.0, 3.0, 4.0, 5.0, 6.0}, {2, 3});
  CHECK(cumsum(x, 1).to_vector<double>() == std::vector<double>{1, 3, 6, 4, 9, 15});
  CHECK(cumsum(x, 0).to_vector<double>() == std::vector<double>{1, 2, 3, 5, 7, 9});
  CHECK(cumsum(transpose(x, 0, 1), 0).to_vector<double>() ==
        std::vector<double>{1, 4, 3, 9, 6, 15});
  CHECK(cumsum(full({}, 2.0), 0).item() == 2);
  CHECK(cumsum(zeros({0, 3}), 0).shape() == Shape{0, 3});
  CHECK(cumsum(tensor<uint8_t>({200, 100}), 0).to_vector<int64_t>() ==
        std::vector<int64_t>{200, 300});
  CHECK_THROWS_AS(cumsum(x, 2), IndexError);
}

TEST_CASE("derivatives of cumsum, first and second order") {
  for (int64_t dim : {0, 1}) {
    check_gradients([dim](const std::vector<Tensor>& x) { return square(cumsum(x[0], dim)); },
                    {random({3, 4})});
  }
}

TEST_CASE("reductions have the same bits on one and two threads") {
  Rng generator(5);
  const Tensor x = randn({300, 500}, generator);
  const auto all = [&x] {
    std::vector<std::vector<float>> results;
    for (const NamedReduction& r : reductions) {
      for (const Dims& dims : {Dims{}, Dims{0}, Dims{1}}) {
        results.push_back(r.apply(x, dims, false).to_vector<float>());
      }
    }
    results.push_back(cumsum(x, 0).to_vector<float>());
    results.push_back(prod(x, 1).to_vector<float>());
    return results;
  };
  const int before = num_threads();
  set_num_threads(1);
  const auto one = all();
  set_num_threads(2);
  CHECK(all() == one);
  set_num_threads(before);
}

TEST_CASE("squares that are no floats do not keep sums of them from being right") {
  CHECK(stddev(tensor({1e20F, 3e20F})).item() == doctest::Approx(1.41421356e20));
  CHECK(norm(tensor({3e20F, 4e20F})).item() == doctest::Approx(5e20));
  CHECK(norm(tensor({3e-30F, 4e-30F})).item() == doctest::Approx(5e-30));
  CHECK(norm(tensor({3e20F, 4e20F}), {}, 3).item() == doctest::Approx(std::cbrt(91.0) * 1e20));
  CHECK(norm(tensor({1e20F, 1e20F}), {}, -2).item() == doctest::Approx(1e20 / std::sqrt(2.0)));
  CHECK(mean(tensor({3e38F, 3e38F})).item() == doctest::Approx(3e38));
  // The sum of squares is none, their mean is.
  CHECK(var(full({1000}, 0) + cat({full({500}, 1e18), full({500}, -1e18)}), {}, 0).item() ==
        doctest::Approx(1e36));
  CHECK(mse_loss(tensor({2e19F, 0.0F, 0.0F, 0.0F}), zeros({4})).item() == doctest::Approx(1e38));
  const Tensor slope = gradient([](const auto& v) { return norm(v[0]); }, tensor({3e20F, 4e20F}));
  CHECK(slope.to_vector<float>()[0] == doctest::Approx(0.6));
  CHECK(slope.to_vector<float>()[1] == doctest::Approx(0.8));
}

TEST_CASE("the norm of order 0 counts NaN, which is not 0") {
  const Tensor x = tensor({0.0, not_a_number, 2.0});
  CHECK(norm(x, {}, 0).item() == 2);
  CHECK(gradient([](const auto& v) { return norm(v[0], {}, 0); }, x).to_vector<double>() ==
        std::vector<double>{0, 0, 0});
}
