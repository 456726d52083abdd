#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <sstream>
#include <thread>

#include "../../core/base/error.h"
#include "../../core/grad.h"
#include "../../core/ops.h"
#include "../support/errors.h"
#include "../support/text.h"

using namespace gradus;

namespace {

using Values = std::vector<double>;

Tensor leaf(std::initializer_list<double> values) {
  Tensor x = tensor(values);
  x.requires_grad_();
  return x;
}

using test::contains;
using test::message_of;

}  // namespace

TEST_CASE("without a tape nothing is recorded") {
  const Tensor x = leaf({1, 2});
  const Tensor y = x * x;
  CHECK(y.requires_grad() == false);
  CHECK(Tape::current() == nullptr);
}

TEST_CASE("a gradient through a shared input") {
  const Tensor x = leaf({1, 2, 3});
  Tape tape;
  tape.backward(sum(x * x));
  CHECK(x.grad().to_vector<double>() == Values{2, 4, 6});
}

TEST_CASE("gradients of several backward calls add up") {
  const Tensor x = leaf({1, 2});
  for (int i = 0; i < 3; ++i) {
    Tape tape;
    tape.backward(sum(x * 2.0));
  }
  CHECK(x.grad().to_vector<double>() == Values{6, 6});
}

TEST_CASE("a broadcast is recorded as an expand and its gradient summed back") {
  const Tensor x = leaf({1, 2, 3}), b = leaf({10});
  Tape tape;
  const Tensor y = x * b;
  bool has_expand = false;
  for (size_t i = 0; i < tape.size(); ++i) {
    has_expand = has_expand || std::string(tape[i].op) == "expand";
  }
  CHECK(has_expand);
  tape.backward(sum(y));
  CHECK(b.grad().to_vector<double>() == Values{6});
}

TEST_CASE("derivatives of any order") {
  const Tensor x = leaf({1, 2});
  Tape tape;
  Tensor y = sum(x * x * x * x);
  Values factors = {4, 12, 24, 24};
  for (int order = 1; order <= 4; ++order) {
    const Tensor g = grad(y, {x}, {.create_graph = true})[0];
    const double factor = factors[static_cast<size_t>(order) - 1];
    CHECK(g.to_vector<double>() == Values{factor, factor * std::pow(2.0, 4 - order)});
    y = sum(g);
  }
}

TEST_CASE("backward with create_graph leaves gradients that can be differentiated") {
  const Tensor x = leaf({3});
  Tape tape;
  tape.backward(sum(x * x * x), {.create_graph = true});
  const Tensor second = grad(sum(x.grad()), {x})[0];
  CHECK(second.to_vector<double>() == Values{18});
}

TEST_CASE("grad gives gradients of intermediate results and leaves .grad() alone") {
  const Tensor x = leaf({1, 2});
  Tape tape;
  const Tensor y = x * 3.0;
  const Tensor z = sum(y * y);
  const auto gradients = grad(z, {x, y});
  CHECK(gradients[0].to_vector<double>() == Values{18, 36});
  CHECK(gradients[1].to_vector<double>() == Values{6, 12});
  CHECK_FALSE(x.grad().defined());
}

TEST_CASE("grad says which x is not used") {
  const Tensor x = leaf({1}), other = leaf({1});
  Tape tape;
  const Tensor y = sum(x * 2.0);
  CHECK(message_of([&] {
          grad(y, {x, other}, {.retain = true});
        }) ==
        "[grad] y does not depend on x number 1 of shape [1]. Hint: pass {.allow_unused = true} to "
        "get an undefined tensor instead");
  CHECK_FALSE(grad(y, {other}, {.allow_unused = true})[0].defined());
}

TEST_CASE("backward wants one element, or a gradient of the same shape") {
  const Tensor x = leaf({1, 2});
  Tape tape;
  const Tensor y = x * 2.0;
  CHECK_THROWS_WITH_AS(tape.backward(y),
                       "[backward] expected a loss with one element, got [2]. Hint: reduce it "
                       "(mean, sum), or pass its gradient with {.gradient = ...}",
                       ShapeError);
  CHECK_THROWS_AS(tape.backward(y, {.gradient = tensor({1.0, 1.0, 1.0})}), ShapeError);
  CHECK_THROWS_AS(tape.backward(y, {.gradient = tensor({1.0F, 1.0F})}), DTypeError);
  tape.backward(y, {.gradient = tensor({1.0, 10.0})});
  CHECK(x.grad().to_vector<double>() == Values{2, 20});
}

TEST_CASE("a second backward says which entry was released") {
  const Tensor x = leaf({1, 2});
  Tape tape;
  const Tensor y = sum(x * x);
  tape.backward(y);
  CHECK(
      message_of([&] { tape.backward(y); }) ==
      "[backward] entry %1 mul [2] was replayed before and has released what it saved. Hint: pass "
      "{.retain = true} to the first backward, or compute the loss again");
  CHECK(x.grad().to_vector<double>() == Values{2, 4});
}

TEST_CASE("retain allows a second backward") {
  const Tensor x = leaf({1, 2});
  Tape tape;
  const Tensor y = sum(x * x);
  tape.backward(y, {.retain = true});
  tape.backward(y);
  CHECK(x.grad().to_vector<double>() == Values{4, 8});
}

TEST_CASE("backward releases what entries saved") {
  const Tensor x = leaf({1, 2});
  Tape tape;
  const Tensor y = sum(exp(x));
  CHECK(tape.saved_bytes() == 16);
  tape.backward(y);
  CHECK(tape.saved_bytes() == 0);
}

TEST_CASE("what an entry keeps for its rule can be read, and is in hooks") {
  const Tensor x = leaf({1, 2});
  Tape tape;
  const Tensor y = exp(x), loss = sum(y);
  CHECK(tape.saved(1)[0].is_same(y));
  CHECK(tape.saved(0).empty());
  bool seen = false;
  tape.on_replay([&](const ReplayEvent& event) {
    if (event.index == 1) seen = event.saved.size() == 1 && event.saved[0].is_same(y);
  });
  tape.backward(loss);
  CHECK(seen);
  CHECK(message_of([&] { tape.saved(1); }).starts_with("[backward] entry %1 exp [2] was replayed"));
}

TEST_CASE("a tape that keeps inputs records what needs no gradient, too") {
  const Tensor x = ones({2}), y = full({2}, 3.0);
  Tape tape({.keep_inputs = true});
  const Tensor z = mul(add(x, y), y);
  REQUIRE(tape.size() == 2);
  CHECK(tape[0].op == std::string("add"));
  CHECK(tape.input(0, 0).is_same(x));
  CHECK(tape.input(0, 1).is_same(y));
  CHECK(tape.input_slots(tape[1])[0] == 0);
  CHECK(tape.input(1, 1).is_same(y));
  CHECK(message_of([&] { (void)tape.input(1, 2); }) ==
        "[tape] input 2 of mul, which has 2, was not kept. Hint: open the tape with "
        "{.keep_inputs = true}");
  tape.trim({1});
  CHECK(tape.input(0, 1).is_same(y));
  Tape other;
  const Tensor w = square(ones({1}).requires_grad_());
  CHECK(message_of([&] { (void)other.input(1, 0); }).find("was not kept") != std::string::npos);
}

TEST_CASE("a tensor that was overwritten after it was saved is noticed") {
  const Tensor x = leaf({1, 2});
  Tape tape;
  Tensor y = exp(x);
  const Tensor loss = sum(y);
  {
    const NoGrad pause;
    y.mul_(2);
  }
  const std::string message = message_of([&] { tape.backward(loss); });
  CHECK(contains(message, "a tensor [2] that entry %1 exp [2] needs was overwritten: version"));
  CHECK_FALSE(x.grad().defined());
}

TEST_CASE("writes in place to what a tape tracks are refused while it records") {
  Tensor x = leaf({1, 2});
  Tape tape;
  Tensor y = x * 2.0;
  CHECK_THROWS_AS(x.add_(tensor({1.0, 1.0})), TapeError);
  CHECK_THROWS_AS(y.fill_(0), TapeError);
  const NoGrad pause;
  x.add_(tensor({1.0, 1.0}));
  CHECK(x.to_vector<double>() == Values{2, 3});
}

TEST_CASE("a tensor of an ended tape is refused by the next one") {
  const Tensor x = leaf({1});
  Tensor old;
  {
    Tape first;
    old = x * 2.0;
  }
  CHECK(old.item() == 2);
  Tape second;
  const std::string message = message_of([&] { old + x; });
  CHECK(contains(message, "[add] a tensor [1] belongs to a tape that has ended"));
  CHECK(contains(message, "detach()"));
  CHECK((old.detach() + x).item() == 3);
}

TEST_CASE("an inner tape pauses the outer one") {
  const Tensor x = leaf({3});
  Tape outer;
  const Tensor y = x * 2.0;
  const size_t recorded = outer.size();
  {
    Tape inner;
    CHECK(contains(message_of([&] { y * 2.0; }), "is paused by an inner tape"));
    inner.backward(sum(x * 5.0));
  }
  CHECK(outer.size() == recorded);
  CHECK(x.grad().to_vector<double>() == Values{5});
  outer.backward(sum(y));
  CHECK(x.grad().to_vector<double>() == Values{7});
}

TEST_CASE("NoGrad pauses recording and nothing else") {
  const Tensor x = leaf({3});
  Tape tape;
  {
    const NoGrad pause;
    CHECK_FALSE((x * x).requires_grad());
  }
  CHECK((x * x).requires_grad());
}

TEST_CASE("backward of what depends on no leaf says so") {
  const Tensor x = leaf({3});
  Tape tape;
  CHECK_THROWS_AS(tape.backward(sum(tensor({1.0}))), TapeError);
  CHECK_THROWS_AS(tape.backward(sum(x.detach() * 2.0)), TapeError);
}

TEST_CASE("trim drops a dead branch") {
  const Tensor x = leaf({3});
  Tape tape;
  const Tensor y = x * x;
  const Tape::Mark mark = tape.mark();
  const Tensor dead = exp(y);
  tape.trim(mark);
  CHECK(tape.size() == mark.entries);
  const Tensor alive = sum(y);  // takes the place of the trimmed entry
  CHECK(contains(message_of([&] { dead + y; }), "trim() dropped"));
  tape.backward(alive);
  CHECK(x.grad().to_vector<double>() == Values{6});
}

TEST_CASE("a leaf that was first used in a trimmed branch can be used again") {
  const Tensor x = leaf({3}), w = leaf({2});
  Tape tape;
  const Tensor y = x * x;
  const Tape::Mark mark = tape.mark();
  y* w;
  tape.trim(mark);
  tape.backward(sum(y * w));
  CHECK(w.grad().to_vector<double>() == Values{9});
}

TEST_CASE("a hook sees every entry, last first") {
  const Tensor x = leaf({1, 2});
  Tape tape;
  const Tensor y = sum(exp(x));
  std::string seen;
  tape.on_replay([&](const ReplayEvent& event) {
    seen += std::string(event.entry.op) + event.output_gradient.shape().to_string() + " ";
  });
  tape.backward(y);
  CHECK(seen == "sum[] exp[2] leaf[2] ");
}

TEST_CASE("anomaly mode names the first operation with NaN, forward and backward") {
  const Tensor x = leaf({-1, 4});
  {
    Tape tape({.detect_anomaly = true});
    const Tape::Scope scope(&tape, "encoder");
    CHECK(contains(message_of([&] { sqrt(x); }), "[sqrt] (encoder) NaN or infinity in the result"));
  }
  const Tensor zero = leaf({0, 4});
  Tape tape({.detect_anomaly = true});
  const Tensor y = sum(sqrt(zero));
  CHECK(contains(message_of([&] { tape.backward(y); }), "[sqrt] NaN or infinity in a gradient"));
  CHECK_FALSE(zero.grad().defined());
}

TEST_CASE("the tape can be read as text, JSON and graph") {
  const Tensor x = leaf({1, 2});
  Tape tape;
  {
    const Tape::Scope layer(&tape, "layer1");
    const Tape::Scope inner(&tape, "act");
    sum(exp(x));
  }
  const std::string text = tape.to_string();
  CHECK(contains(text, "layer1.act"));
  CHECK(contains(text, "exp(%0)"));
  CHECK(contains(text, "3 entries, 16 B saved"));
  const std::string json = tape.to_json();
  CHECK(contains(json, "\"op\": \"exp\""));
  CHECK(contains(json, "\"saved_bytes\": 16"));
  CHECK(contains(tape.to_dot(), "n0 -> n1"));
}

TEST_CASE("a rule with a gradient of wrong shape is named") {
  const Tensor x = leaf({1, 2});
  Tape tape;
  const Tensor wrong = record("mine", inputs(x), x.clone().detach(), saved(),
                              [](const TensorList&, const Tensor&, const Wanted&) -> TensorList {
                                return {tensor({1.0})};
                              });
  CHECK_THROWS_WITH_AS(tape.backward(sum(wrong)),
                       "[mine] its rule returned a gradient [1] for input 0 of shape [2]. Hint: "
                       "the gradient of an input has its shape",
                       ShapeError);
}

TEST_CASE("a rule returns undefined for an input that gets no gradient") {
  const Tensor x = leaf({1, 2}), w = leaf({3, 4});
  Tape tape;
  const Tensor y = record("mine", inputs(x, w), (x.detach() * w.detach()), saved(w),
                          [](const TensorList& s, const Tensor& g, const Wanted&) -> TensorList {
                            return {g * s[0], Tensor()};
                          });
  tape.backward(sum(y));
  CHECK(x.grad().to_vector<double>() == Values{3, 4});
  CHECK_FALSE(w.grad().defined());
}

TEST_CASE("live tensors and bytes return exactly to their start") {
  const Tensor x = leaf({1, 2, 3});
  const auto step = [&] {
    Tape tape;
    const Tensor g = grad(sum(exp(x) * x), {x}, {.create_graph = true})[0];
    tape.backward(sum(g * g));
    const_cast<Tensor&>(x).set_grad({});
  };
  const int64_t tensors = live_tensors(), bytes = live_bytes();
  for (int i = 0; i < 3; ++i) {
    step();
    CHECK(live_tensors() == tensors);
    CHECK(live_bytes() == bytes);
  }
}

TEST_CASE("every thread has its own tape") {
  const Tensor x = leaf({1, 2});
  Tape tape;
  const Tensor y = sum(x * x);
  std::thread other([&] {
    CHECK(Tape::current() == nullptr);
    const Tensor w = leaf({5});
    Tape inner;
    inner.backward(sum(w * w));
    CHECK(w.grad().item() == 10);
  });
  other.join();
  tape.backward(y);
  CHECK(x.grad().to_vector<double>() == Values{2, 4});
}

TEST_CASE("a chain of a million operations goes forward and backward") {
  const Tensor x = leaf({1});
  Tape tape;
  Tensor y = x;
  const Tensor one = tensor({1e-6});
  for (int i = 0; i < 1'000'000; ++i) y = add(y, one);
  tape.backward(y);
  CHECK(y.item() == doctest::Approx(2));
  CHECK(x.grad().item() == 1);
}

TEST_CASE("a graph and a JSON text of a tape are whole, whatever modules are called") {
  const Tensor x = ones({2}).requires_grad_();
  Tape tape;
  {
    const Tape::Scope scope(&tape, "a \"b\" \\ c\nd \xff");
    mul(x, x);
  }
  const std::string dot = tape.to_dot();
  CHECK(dot.find(R"(a \"b\" \\ c\nd)") != std::string::npos);
  CHECK(tape.to_json().find(R"(a \"b\" \\ c\nd)") != std::string::npos);
}
