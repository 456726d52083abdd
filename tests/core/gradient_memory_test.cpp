// What memory gradients have: their own.
#include <doctest/doctest.h>

#include <string>

#include "../../core/base/allocator.h"
#include "../../core/grad.h"
#include "../../core/ops.h"
#include "../support/errors.h"

using namespace gradus;
using test::message_of;

namespace {

using Values = std::vector<double>;

Tensor leaf(std::initializer_list<double> values) {
  return tensor(values).requires_grad_();
}

/// Writes to `t`, and says whether `other` is still the same.
bool writing_leaves(Tensor t, const Tensor& other) {
  const Values before = other.to_vector<double>();
  const NoGrad pause;
  t.fill_(77);
  return other.to_vector<double>() == before;
}

}  // namespace

TEST_CASE("gradients of backward with create_graph add up like others") {
  const Tensor x = leaf({1, 2});
  Tape tape;
  tape.backward(sum(x), {.create_graph = true});
  tape.backward(sum(x));
  CHECK(x.grad().to_vector<double>() == Values{2, 2});
  tape.backward(sum(x), {.create_graph = true});
  CHECK(x.grad().to_vector<double>() == Values{3, 3});
}

TEST_CASE("leaves that receive the same gradient have one each") {
  for (const bool create_graph : {false, true}) {
    CAPTURE(create_graph);
    const Tensor a = leaf({1, 2}), b = leaf({3, 4});
    Tape tape;
    tape.backward(sum(a + b), {.create_graph = create_graph});
    CHECK(a.grad().is_contiguous());
    CHECK(writing_leaves(a.grad(), b.grad()));
    tape.backward(sum(b * 10.0));
    CHECK(a.grad().to_vector<double>() == Values{77, 77});
    CHECK(b.grad().to_vector<double>() == Values{11, 11});
  }
}

TEST_CASE("the gradient that backward starts from stays the caller's") {
  for (const bool create_graph : {false, true}) {
    const Tensor x = leaf({1, 2}), start = tensor({5.0, 6.0});
    Tape tape;
    tape.backward(x, {.gradient = start, .create_graph = create_graph});
    CHECK(x.grad().to_vector<double>() == Values{5, 6});
    CHECK(writing_leaves(x.grad(), start));
    tape.backward(sum(x));
    CHECK(start.to_vector<double>() == Values{5, 6});
  }
}

TEST_CASE("a gradient that is on a tape keeps its value when more is added") {
  const Tensor x = leaf({3});
  Tape tape;
  tape.backward(sum(x * x), {.create_graph = true});
  const Tensor first = x.grad();
  tape.backward(sum(x * 2.0));
  CHECK(first.item() == 6);
  CHECK(x.grad().item() == 8);
  CHECK(grad(sum(first * first), {x})[0].item() == 24);  // d (2x)^2 = 8x
}

TEST_CASE("a gradient that was read stays what it was when backward adds to it") {
  const Tensor x = leaf({1, 2});
  Tape tape;
  tape.backward(sum(x));
  const Tensor read = x.grad(), view = x.grad().narrow(0, 0, 1);
  tape.backward(sum(x));
  CHECK(read.to_vector<double>() == Values{1, 1});
  CHECK(view.to_vector<double>() == Values{1});
  CHECK(x.grad().to_vector<double>() == Values{2, 2});
}

TEST_CASE("set_grad keeps a copy of what others can write to, or what is expanded") {
  Tensor x = leaf({1, 2});
  const Tensor mine = tensor({5.0, 6.0});
  x.set_grad(mine);
  CHECK(writing_leaves(mine, x.grad()));
  Tensor y = leaf({1, 2});
  y.set_grad(x.grad());
  CHECK(writing_leaves(x.grad(), y.grad()));
  x.set_grad(tensor({3.0}).expand({2}));
  CHECK(x.grad().is_contiguous());
  const Tensor matrix = ones({2, 2}, float64);
  x.set_grad(matrix.select(1, 0));
  CHECK(writing_leaves(matrix, x.grad()));
  x.set_grad(x);  // would hold itself
  CHECK_FALSE(x.grad().is_same(x));
  Tape tape;
  tape.backward(sum(x));
  CHECK(x.grad().to_vector<double>() == Values{2, 3});
}

TEST_CASE("a gradient that nobody else holds is kept without a copy") {
  Tensor x = leaf({1, 2});
  Tensor own = tensor({5.0, 6.0});
  const void* const memory = own.raw_data();
  x.set_grad(std::move(own));
  CHECK(x.grad().raw_data() == memory);
}

TEST_CASE("set_grad of a result keeps its history while a tape records") {
  Tensor x = leaf({3}), y = leaf({1});
  Tape tape;
  const Tensor g = x * x;
  y.set_grad(g);
  CHECK(grad(sum(y.grad()), {x})[0].item() == 6);
}

TEST_CASE("grad() hands out gradients that share no memory") {
  const auto check = [](const std::vector<Tensor>& gradients) {
    for (size_t i = 0; i < gradients.size(); ++i) {
      CHECK(gradients[i].is_contiguous());
      for (size_t k = 0; k < gradients.size(); ++k) {
        if (k != i) CHECK(writing_leaves(gradients[i], gradients[k]));
      }
    }
  };
  for (const bool create_graph : {false, true}) {
    CAPTURE(create_graph);
    const Tensor a = leaf({1, 2}), b = leaf({3, 4}), start = tensor({5.0, 6.0});
    Tape tape;
    const Tensor y = a + b;
    check(grad(sum(y), {a, b, a, y}, {.retain = true, .create_graph = create_graph}));
    const auto of_start =
        grad(y, {a, y}, {.gradient = start, .retain = true, .create_graph = create_graph});
    check({of_start[0], of_start[1], start});
    CHECK(start.to_vector<double>() == Values{77, 77});  // by the check itself
  }
}

TEST_CASE("backward at the memory limit gives all leaves their gradient, or none") {
  std::vector<Tensor> leaves;
  constexpr int64_t n = 1 << 16;
  for (int i = 0; i < 8; ++i) leaves.push_back(ones({n}).requires_grad_());
  const size_t before = memory_limit();
  int failed = 0, done = 0;
  for (int extra = 0; extra < 24; ++extra) {
    for (Tensor& x : leaves) x.set_grad({});
    leaves[3].set_grad(ones({n}));
    Tape tape;
    Tensor total = leaves[0];
    for (size_t i = 1; i < leaves.size(); ++i) total = total + leaves[i];
    const Tensor loss = sum(total);
    release_cached_memory();
    set_memory_limit(static_cast<size_t>(allocator_statistics().system_bytes) + 4096 +
                     static_cast<size_t>(extra) * (n * sizeof(float) / 2));
    const std::string message = message_of([&] { tape.backward(loss); });
    set_memory_limit(before);
    const bool worked = message == "no error";
    ++(worked ? done : failed);
    for (size_t i = 0; i < leaves.size(); ++i) {
      const Tensor g = leaves[i].grad();
      CHECK(g.defined() == (worked || i == 3));
      if (g.defined()) CHECK(g.narrow(0, 0, 1).item() == (i == 3 && worked ? 2 : 1));
    }
  }
  CHECK(failed > 0);
  CHECK(done > 0);
}
