// Clipping of gradients.
#include "../../optim/clip.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "../../core/base/parallel_for.h"
#include "../../core/ops.h"
#include "../../core/tape.h"
#include "../support/errors.h"

using namespace gradus;
using namespace gradus::optim;
using test::message_of;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

/// A parameter with this gradient.
NamedTensor with_gradient(const std::string& name, const Tensor& gradient) {
  Tensor p = zeros(gradient.shape(), gradient.dtype()).requires_grad_();
  p.set_grad(gradient);
  return {name, p};
}

NamedTensors three_and_four() {
  return {with_gradient("a", tensor({3.0})), with_gradient("b", tensor({0.0, -4.0}))};
}

std::vector<double> gradient(const NamedTensor& p) {
  return p.tensor.grad().to_vector<double>();
}

}  // namespace

TEST_CASE("all gradients together are shortened to max_norm") {
  const NamedTensors p = three_and_four();
  CHECK(clip_grad_norm_(p, 1) == 5);
  CHECK(gradient(p[0])[0] == doctest::Approx(0.6));
  CHECK(gradient(p[1])[1] == doctest::Approx(-0.8));
  CHECK(gradient(p[1])[0] == 0);
}

TEST_CASE("short gradients stay as they are") {
  const NamedTensors p = three_and_four();
  const Tensor before = p[0].tensor.grad();
  CHECK(clip_grad_norm_(p, 6) == 5);
  CHECK(p[0].tensor.grad().is_same(before));
}

TEST_CASE("any norm will do") {
  CHECK(clip_grad_norm_(three_and_four(), 100, {.norm_type = 1}) == 7);
  CHECK(clip_grad_norm_(three_and_four(), 100, {.norm_type = infinity}) == 4);
  CHECK(clip_grad_norm_(three_and_four(), 100, {.norm_type = 3}) ==
        doctest::Approx(std::cbrt(27 + 64)));
}

TEST_CASE("parameters without gradient do not count") {
  NamedTensors p = three_and_four();
  p.push_back({"c", zeros({2}).requires_grad_()});  // float32 besides
  CHECK(clip_grad_norm_(p, 1) == 5);
  CHECK_FALSE(p[2].tensor.grad().defined());
  CHECK(clip_grad_norm_({p[2]}, 1) == 0);
  CHECK(clip_grad_norm_({}, 1) == 0);
}

TEST_CASE("squares of float32 gradients do not overflow") {
  const NamedTensors p = {with_gradient("a", full({4}, 1e30))};
  CHECK(clip_grad_norm_(p, 1) == doctest::Approx(2e30));
  CHECK(p[0].tensor.grad().to_vector<float>()[0] == doctest::Approx(0.5));
}

TEST_CASE("gradients that share memory, or are views, are clipped once") {
  const Tensor shared = tensor({3.0, 4.0});
  NamedTensors p = {with_gradient("a", shared), with_gradient("b", shared),
                    with_gradient("c", tensor({5.0}).expand({3}))};
  const double norm = std::sqrt(25 + 25 + 75);
  CHECK(clip_grad_norm_(p, norm / 2) == doctest::Approx(norm));
  CHECK(gradient(p[0])[0] == doctest::Approx(1.5));
  CHECK(gradient(p[1])[0] == doctest::Approx(1.5));
  CHECK(gradient(p[2])[2] == doctest::Approx(2.5));
  CHECK(shared.to_vector<double>()[0] == 3);
}

TEST_CASE("clipping works while a tape records, and is not recorded") {
  Tensor x = ones({2}, float64).requires_grad_();
  Tape tape;
  tape.backward(sum(x * x), {.create_graph = true});
  const size_t entries = tape.size();
  CHECK(clip_grad_norm_({{"x", x}}, 1) == doctest::Approx(std::sqrt(8)));
  CHECK(tape.size() == entries);
  CHECK_FALSE(x.grad().requires_grad());
}

TEST_CASE("a norm that is not finite is an error where that is wanted") {
  NamedTensors p = three_and_four();
  p.push_back(with_gradient("c", tensor({1.0, infinity})));
  CHECK(message_of([&] { clip_grad_norm_(p, 1, {.error_if_nonfinite = true}); }) ==
        "[clip_grad_norm_] the norm of the gradients is inf; not finite: c. Hint: a tape with "
        ".detect_anomaly names the operation that it began with");
  CHECK(gradient(p[0])[0] == 3);
  CHECK(clip_grad_norm_(p, 1) == infinity);
  CHECK(gradient(p[0])[0] == 0);
  CHECK(std::isnan(gradient(p[2])[1]));
}

TEST_CASE("one NaN makes every gradient a NaN rather than going unnoticed") {
  for (const double norm_type : {1.0, 2.0, 3.0, infinity}) {
    NamedTensors p = three_and_four();
    p.push_back(with_gradient("c", tensor({std::nan(""), 1.0})));
    CHECK(std::isnan(clip_grad_norm_(p, 1, {.norm_type = norm_type})));
    CHECK(std::isnan(gradient(p[0])[0]));
  }
}

TEST_CASE("threads do not change a bit of the norm") {
  Rng generator(1);
  const NamedTensors p = {with_gradient("a", randn({100'003}, generator))};
  const int before = num_threads();
  for (const double norm_type : {1.0, 2.0, 3.0}) {
    set_num_threads(1);
    const double one = clip_grad_norm_(p, 1e9, {.norm_type = norm_type});
    set_num_threads(3);
    CHECK(clip_grad_norm_(p, 1e9, {.norm_type = norm_type}) == one);
    const Tensor reference = norm(p[0].tensor.grad().to(float64), {}, norm_type);
    CHECK(one == doctest::Approx(reference.item()).epsilon(1e-12));
  }
  set_num_threads(before);
}

TEST_CASE("clipping by value limits each element") {
  const NamedTensors p = {with_gradient("a", tensor({-3.0, 0.5, 2.0}))};
  clip_grad_value_(p, 1);
  CHECK(gradient(p[0]) == std::vector<double>{-1, 0.5, 1});
}

TEST_CASE("clipping that makes no sense is refused") {
  const NamedTensors p = three_and_four();
  CHECK(message_of([&] { clip_grad_norm_(p, -1); }) ==
        "[clip_grad_norm_] max_norm must be a number of at least 0, got -1. Hint: 1 is usual; "
        "infinity changes nothing");
  CHECK(message_of([&] { clip_grad_norm_(p, std::nan("")); }) ==
        "[clip_grad_norm_] max_norm must be a number of at least 0, got nan. Hint: 1 is usual; "
        "infinity changes nothing");
  CHECK(message_of([&] { clip_grad_norm_(p, 1, {.norm_type = 0}); }) ==
        "[clip_grad_norm_] norm_type must be a positive number or infinity, got 0. Hint: 2 is the "
        "Euclidean norm, infinity the largest element");
  CHECK(message_of([&] { clip_grad_value_(p, -1); }) ==
        "[clip_grad_value_] clip_value must be a number of at least 0, got -1. Hint: 1 is usual; "
        "infinity changes nothing");
  CHECK(message_of([&] {
          clip_grad_norm_({{"q", Tensor()}}, 1);
        }) == "[clip_grad_norm_] parameter q is undefined. Hint: pass module.named_parameters()");
  CHECK(gradient(p[0])[0] == 3);
}

TEST_CASE("the total norm is that of all elements together") {
  const std::vector<Tensor> xs = {tensor({3.0}), full({4, 4}, 1.0F).transpose(0, 1)};
  CHECK(total_norm(xs) == 5);
  CHECK(total_norm(xs, 1) == 19);
  CHECK(total_norm(xs, infinity) == 3);
  CHECK(total_norm({}) == 0);
  CHECK(message_of([&] { total_norm(xs, -1); }) ==
        "[total_norm] ord is -1. Hint: it must be a positive number or infinity");
}
