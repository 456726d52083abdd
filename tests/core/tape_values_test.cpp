// What the tape notes besides the operations: names, values of small tensors, sizes of gradients.
#include <doctest/doctest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "../../core/base/text.h"
#include "../../core/grad.h"
#include "../../core/ops.h"
#include "../../core/tape.h"
#include "../support/text.h"

using namespace gradus;
using test::contains;

namespace {

using Values = std::vector<double>;

Tensor leaf(std::initializer_list<double> values, const std::string& name = "") {
  return tensor(values).requires_grad_().set_name(name);
}

}  // namespace

// --- Names ---

TEST_CASE("a tensor has no name until it gets one") {
  Tensor x = tensor({1.0, 2.0});
  CHECK(x.name().empty());
  CHECK_FALSE(x.has_name());
  CHECK(x.set_name("x").is_same(x));
  CHECK(x.name() == "x");
  x.set_name("");
  CHECK_FALSE(x.has_name());
}

TEST_CASE("a name belongs to the tensor, not to views, copies and results") {
  const Tensor x = tensor({1.0, 2.0}).set_name("x");
  for (const Tensor& other : {x.detach(), x[0], x.reshape({2, 1}), x.clone(), x + 1.0}) {
    CHECK(other.name().empty());
  }
  CHECK(Tensor(x).name() == "x");
}

TEST_CASE("the tape knows the names of leaves, inputs and results") {
  const Tensor w = leaf({2}, "w"), x = tensor({3.0}).set_name("x");
  const Tape tape;
  const Tensor h = mul(w, x).set_name("h");
  exp(h);
  CHECK(tape.name(0) == "w");
  CHECK(tape.name(1) == "h");
  CHECK(tape.name(2).empty());
  CHECK(tape.input_name(1, 0) == "w");
  CHECK(tape.input_name(1, 1) == "x");
  CHECK(tape.input_name(2, 0) == "h");
  CHECK(contains(tape.to_string(), "leaf w"));
  CHECK(contains(tape.to_string(), "h = mul(%0, x[1]=(3))"));
}

TEST_CASE("a result can be named on an outer tape, and under NoGrad") {
  const Tensor w = leaf({2});
  const Tape tape;
  Tensor h = exp(w);
  const NoGrad pause;
  const Tape inner;
  h.set_name("h");
  CHECK(tape.name(1) == "h");
  CHECK(inner.size() == 0);
}

TEST_CASE("the name of a result whose tape has ended stays with the tensor") {
  const Tensor w = leaf({2});
  Tensor h;
  {
    const Tape tape;
    h = exp(w);
  }
  const Tape other;
  exp(w);
  h.set_name("h");
  CHECK(h.name() == "h");
  CHECK(other.name(1).empty());
}

TEST_CASE("a constant that an operation broadcasts keeps its name there") {
  const Tensor w = leaf({1, 2}), mean = tensor({3.0}).set_name("mean");
  const Tape tape;
  sub(w, mean);
  CHECK(tape.input_name(1, 1) == "mean");
  CHECK(tape.input_value(1, 1) == Values{3, 3});
  CHECK(mean.expand({2}).name().empty());
}

// --- Values ---

TEST_CASE("values of up to eight elements are noted, whatever becomes of the tensors") {
  const Tensor w = leaf({1, 2});
  Tape tape;
  {
    Tensor x = tensor({3.0, 4.0});
    mul(w, x);
    x.fill_(0);
  }
  {
    const NoGrad pause;
    Tensor(w).fill_(7);
  }
  CHECK(tape.value(0) == Values{1, 2});
  CHECK(tape.input_value(1, 0) == Values{1, 2});
  CHECK(tape.input_value(1, 1) == Values{3, 4});
  CHECK(tape.value(1) == Values{3, 8});
}

TEST_CASE("values are in row-major order, also those of views, and of every type") {
  const Tensor x = tensor({1.0, 2.0, 3.0, 4.0, 5.0, 6.0}, {2, 3}).requires_grad_();
  const Tape tape;
  const Tensor t = x.T();
  reshape(x, {3, 2});
  where(tensor<bool>({true, false, true}), x, ones({2, 3}, float64));
  gather(x, 1, tensor<int64_t>({2, 0}, {2, 1}));
  CHECK(tape.value(1) == Values{1, 4, 2, 5, 3, 6});
  CHECK(tape.input_value(3, 0) == Values{1, 0, 1, 1, 0, 1});
  CHECK(tape.value(3) == Values{1, 1, 3, 4, 1, 6});
  CHECK(contains(tape.to_string(), "((1, 4), (2, 5), (3, 6))"));
}

TEST_CASE("nothing is noted of larger tensors") {
  const Tensor eight = ones({2, 4}).requires_grad_(), nine = ones({9}).requires_grad_();
  Tape tape;
  const Tensor y = sum(mul(nine, ones({9})));
  tape.backward(y + sum(eight));
  CHECK(tape.value(0).empty());
  CHECK(tape.input_value(1, 1).empty());
  CHECK(tape.gradient(1).empty());
  CHECK_FALSE(tape.gradient_norm(1));
  CHECK(tape.value(3) == Values(8, 1));
}

TEST_CASE("a tape keeps no tensor alive for the sake of its value") {
  const Tensor w = leaf({1, 2});
  const int64_t before = live_tensors();
  const Tape tape;
  add(w, tensor({1.0, 2.0}).set_name("x"));
  CHECK(live_tensors() == before);
}

TEST_CASE("trim() forgets values and names, and what is recorded next is noted anew") {
  const Tensor w = leaf({1, 2}, "w");
  Tape tape;
  const Tensor h = mul(w, tensor({3.0, 4.0}).set_name("x"));
  const auto mark = tape.mark();
  for (const double factor : {10.0, 20.0}) {
    const Tensor late = leaf({5, 6}, "late" + str(factor));
    Tensor y = mul(h * late, tensor({factor, factor}).set_name("f" + str(factor)));
    y.set_name("y" + str(factor));
    tape.backward(sum(y), {.retain = true});
    CHECK(tape.name(2) == "late" + str(factor));
    CHECK(tape.value(2) == Values{5, 6});
    CHECK(tape.name(4) == "y" + str(factor));
    CHECK(tape.input_name(4, 1) == "f" + str(factor));
    CHECK(tape.input_value(4, 1) == Values{factor, factor});
    CHECK(tape.value(4) == Values{15 * factor, 48 * factor});
    CHECK(tape.gradient(3) == Values{factor, factor});
    CHECK(tape.gradient(1) == Values{5 * factor, 6 * factor});
    tape.trim(mark);
  }
  exp(h);
  CHECK(tape.name(2).empty());
  CHECK(tape.gradient(2).empty());
  CHECK(tape.value(1) == Values{3, 8});
  CHECK(tape.input_name(1, 1) == "x");
  CHECK(tape.input_value(1, 1) == Values{3, 4});
}

// --- Gradients ---

TEST_CASE("gradients of small results are those that arrived at the last replay") {
  const Tensor w = leaf({1, 2});
  Tape tape;
  const Tensor h = w * 3.0, y = sum(h * h);
  CHECK(tape.gradient(1).empty());
  CHECK_FALSE(tape.gradient_norm(1));
  tape.backward(y, {.retain = true});
  CHECK(tape.gradient(1) == Values{6, 12});
  CHECK(*tape.gradient_norm(1) == doctest::Approx(std::sqrt(180.0)));
  tape.backward(y, {.gradient = full({}, 10, float64)});
  CHECK(tape.gradient(1) == Values{60, 120});
}

TEST_CASE("the gradient of a leaf is its .grad(), or what grad() found if it has none") {
  const Tensor w = leaf({1, 2});
  Tape tape;
  const Tensor y = sum(w * w);
  grad(y, {w}, {.retain = true});
  CHECK(tape.gradient(0) == Values{2, 4});
  tape.backward(y, {.retain = true});
  tape.backward(y);
  CHECK(tape.gradient(0) == Values{4, 8});
  CHECK(*tape.gradient_norm(0) == doctest::Approx(std::sqrt(80.0)));
}

TEST_CASE("gradient_norms notes the length of every gradient, and nothing is recorded for it") {
  const Tensor x = ones({3, 4}, float64).requires_grad_();
  Tape tape({.gradient_norms = true});
  const Tensor y = square(x), z = sum(y * 2.0);
  const size_t before = tape.size();
  tape.backward(z);
  CHECK(tape.size() == before);
  CHECK(*tape.gradient_norm(1) == doctest::Approx(2 * std::sqrt(12.0)));
  CHECK(*tape.gradient_norm(0) == doctest::Approx(4 * std::sqrt(12.0)));
  CHECK(*tape.gradient_norm(3) == 1);

  Tape second({.gradient_norms = true});
  const Tensor slope = grad(sum(square(x)), {x}, {.create_graph = true})[0];
  for (size_t i = 0; i < second.size(); ++i) CHECK(std::string(second[i].op) != "norm");
  CHECK(*second.gradient_norm(1) == doctest::Approx(std::sqrt(12.0)));
}

TEST_CASE("a leaf whose data was replaced by others is no trouble") {
  Tensor w = leaf({1, 2, 3});
  Tape tape;
  const Tensor y = sum(exp(w));
  {
    const NoGrad pause;
    w.set_data(ones({5}, float64));
  }
  CHECK(tape.value(0) == Values{1, 2, 3});
  w.set_grad(ones({5}, float64));
  CHECK(tape.gradient(0).empty());
}

// --- Print and JSON ---

TEST_CASE("the print has columns for values and gradients once there are any") {
  const Tensor w = ones({3, 3}, float64).requires_grad_().set_name("w");
  Tape tape;
  const Tensor y = mul(w, w);
  CHECK_FALSE(contains(tape.to_string(), "value"));
  CHECK_FALSE(contains(tape.to_string(), "gradient"));
  const Tensor z = sum(y);
  CHECK(contains(tape.to_string(), "value"));
  tape.backward(z);
  CHECK(contains(tape.to_string(), "gradient"));
  CHECK(contains(tape.to_string(), "norm 6"));
}

TEST_CASE("JSON has names, values and gradients, and null for what is not known") {
  const Tensor w = leaf({1, 2}, "w");
  Tape tape;
  const Tensor y = mul(w, tensor({3.0, 4.0}).set_name("x"));
  expand(y, {5, 2});
  tape.backward(sum(y));
  const auto entries = nlohmann::json::parse(tape.to_json())["entries"];
  CHECK(entries[0]["name"] == "w");
  CHECK(entries[0]["value"] == Values{1, 2});
  CHECK(entries[0]["gradient"] == Values{3, 4});
  CHECK(entries[0]["gradient_norm"] == 5);
  CHECK(entries[1]["inputs"][1]["name"] == "x");
  CHECK(entries[1]["inputs"][1]["value"] == Values{3, 4});
  CHECK(entries[2]["value"].is_null());
  CHECK(entries[2]["gradient"].is_null());
  CHECK(entries[2]["gradient_norm"].is_null());
}

TEST_CASE("a name stays in its line of the print, whatever it is") {
  const Tensor w = leaf({1}, "a\nb\x1b");
  const Tape tape;
  mul(w, tensor({2.0}).set_name("c\nd"));
  CHECK(contains(tape.to_string(), "leaf a b\xef\xbf\xbd "));
  CHECK(contains(tape.to_string(), "mul(%0, c d[1]=(2))"));
}

TEST_CASE("JSON stays whole, whatever tensors are called") {
  const Tensor w = leaf({1}, "a \"b\" \\ \xff \n");
  const Tape tape;
  exp(w);
  CHECK(nlohmann::json::parse(tape.to_json())["entries"][0]["name"] ==
        "a \"b\" \\ \xef\xbf\xbd \n");
}
