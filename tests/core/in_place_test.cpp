// Writes in place: what they write to, and where it overlaps with what they read.
#include <doctest/doctest.h>

#include <functional>
#include <string>

#include "../../core/ops.h"
#include "../../core/tape.h"
#include "../../optim/ema.h"
#include "../../optim/sgd.h"
#include "../support/errors.h"

using namespace gradus;
using test::message_of;

namespace {

using Values = std::vector<double>;

/// 0, 1, 2 ... in float64.
Tensor counting(const Shape& shape) {
  return arange(shape.numel()).to(float64).reshape(shape);
}

struct Write {
  std::string name;
  std::function<void(Tensor& target)> call;
};

/// Everything that writes into a float64 tensor [2,3].
std::vector<Write> all_writes() {
  const Tensor g = ones({2, 3}, float64);
  return {
      {"fill_", [](Tensor& t) { t.fill_(1); }},
      {"fill_", [](Tensor& t) { t.zero_(); }},
      {"copy_", [g](Tensor& t) { t.copy_(g); }},
      {"add_", [g](Tensor& t) { t.add_(g); }},
      {"mul_", [](Tensor& t) { t.mul_(2); }},
      {"average_update_", [g](Tensor& t) { average_update_(t, g, 0.5); }},
  };
}

}  // namespace

TEST_CASE("no write goes to elements that share a place in memory") {
  for (const Write& write : all_writes()) {
    CAPTURE(write.name);
    const Tensor row = tensor({1.0, 2.0, 3.0});
    Tensor expanded = row.expand({2, 3}),
           nested = row.reshape({3, 1}).expand({3, 2}).transpose(0, 1);
    for (Tensor* target : {&expanded, &nested}) {
      const std::string message = message_of([&] { write.call(*target); });
      CHECK(message.starts_with("[" + write.name + "] "));
      CHECK(message.find("[2,3]") != std::string::npos);
      CHECK(message.find("Hint: ") != std::string::npos);
      CHECK(row.to_vector<double>() == Values{1, 2, 3});
    }
  }
  Tensor expanded = zeros({1}).expand({2});
  CHECK(message_of([&] { expanded.fill_(1); }) ==
        "[fill_] several elements of the tensor [2] share a place in memory, strides [0]: each "
        "write would change them all. Hint: expand() makes such a tensor; write to what was "
        "expanded, or to a clone()");
}

TEST_CASE("views in which each element has its own place can be written to") {
  Tensor x = zeros({4, 6}, float64);
  for (Tensor view : {x.transpose(0, 1), x.narrow(1, 2, 3), slice(x, 1, 0, 3, 2), diagonal(x),
                      x.select(0, 1), x.reshape({2, 2, 6}).permute({1, 2, 0}), x.narrow(0, 1, 1),
                      diagonal(x.reshape({2, 2, 6}), 0, 0, 2)}) {
    x.fill_(0);
    view.fill_(1).add_(ones({}, float64)).mul_(3);
    CHECK(sum(x).item() == 6.0 * static_cast<double>(view.numel()));
  }
  Tensor once = zeros({1, 3}).expand({1, 3}), empty = zeros({1, 0}).expand({5, 0});
  once.fill_(1);
  empty.fill_(1);
  CHECK(sum(once).item() == 3);
}

TEST_CASE("what is read in place is read before anything is written") {
  SUBCASE("a shifted copy, in both directions") {
    constexpr int64_t n = 40'000;  // several pieces of a parallel loop
    for (const bool forward : {true, false}) {
      Tensor x = counting({n});
      Tensor first = x.narrow(0, 0, n - 7), last = x.narrow(0, 7, n - 7);
      const Values expected = (forward ? first : last).to_vector<double>();
      (forward ? last : first).copy_(forward ? first : last);
      CHECK((forward ? last : first).to_vector<double>() == expected);
    }
  }
  SUBCASE("a matrix and its transpose") {
    Tensor x = counting({3, 3});
    x.add_(transpose(x, 0, 1), 2);
    CHECK(x.to_vector<double>() == Values{0, 7, 14, 5, 12, 19, 10, 17, 24});
    x.copy_(transpose(x, 0, 1));
    CHECK(x.to_vector<double>() == Values{0, 5, 10, 7, 12, 17, 14, 19, 24});
  }
  SUBCASE("a part that broadcasts to the whole") {
    Tensor x = counting({2, 2}) + 1.0;
    x.add_(x.narrow(0, 1, 1));
    CHECK(x.to_vector<double>() == Values{4, 6, 6, 8});
    x.copy_(x.select(1, 1).unsqueeze(1));
    CHECK(x.to_vector<double>() == Values{6, 6, 8, 8});
  }
  SUBCASE("the tensor itself") {
    Tensor x = counting({4});
    x.add_(x);
    x.copy_(x);
    CHECK(x.to_vector<double>() == Values{0, 2, 4, 6});
  }
  SUBCASE("an average and an update") {
    Tensor x = counting({40'000});
    Tensor average = x.narrow(0, 1, 39'999);
    const Values expected = ((average + x.narrow(0, 0, 39'999)) * 0.5).to_vector<double>();
    average_update_(average, x.narrow(0, 0, 39'999), 0.5);
    CHECK(average.to_vector<double>() == expected);
    Tensor y = counting({3}), parameter = y.narrow(0, 1, 2).requires_grad_();
    parameter.set_grad(y.narrow(0, 0, 2));
    optim::SGD(NamedTensors{{"p", parameter}}, {.lr = 1}).step();
    CHECK(y.to_vector<double>() == Values{0, 1, 1});
  }
}

TEST_CASE("what an update writes does not overlap, whatever state was loaded") {
  Tensor x = counting({4}), parameter = x.narrow(0, 0, 3).requires_grad_();
  optim::SGD sgd(NamedTensors{{"p", parameter}}, {.lr = 1, .momentum = 1});
  parameter.set_grad(ones({3}, float64));
  sgd.step();  // to -1, 0, 1
  NamedTensors state = sgd.state_dict();
  REQUIRE(state.back().name == "p.momentum_buffer");
  state.back().tensor = x.narrow(0, 1, 3);  // 0, 1, 3
  sgd.load_state_dict(state);
  sgd.step();  // by 1, 2, 4
  CHECK(x.to_vector<double>() == Values{-2, -2, -3, 3});
  CHECK(sgd.state_dict().back().tensor.to_vector<double>() == Values{1, 2, 4});
}

TEST_CASE("a slice lies within its tensor, whatever start, length and step") {
  for (int64_t size = 0; size <= 4; ++size) {
    const Tensor whole = counting({size + 2, 2});  // what a view could read beyond its end
    const Tensor x = whole.narrow(0, 0, size);
    for (int64_t start = -size - 2; start <= size + 2; ++start) {
      for (int64_t length = 0; length <= size + 1; ++length) {
        for (const int64_t step : {int64_t{1}, int64_t{2}, int64_t{3}, INT64_MAX}) {
          CAPTURE(size);
          CAPTURE(start);
          CAPTURE(length);
          CAPTURE(step);
          const int64_t from = start < 0 ? start + size : start;
          bool fits = from >= 0 && from <= size;
          for (int64_t i = 0; fits && i < length; ++i) {
            fits = i == 0 ? from < size : step < size && from + i * step < size;
          }
          Tensor part;
          const std::string message = message_of([&] { part = slice(x, 0, start, length, step); });
          CHECK((message == "no error") == fits);
          if (!fits) continue;
          CHECK(part.shape() == Shape{length, 2});
          const Values values = part.to_vector<double>();
          for (int64_t i = 0; i < length; ++i) {
            CHECK(values[static_cast<size_t>(2 * i)] == static_cast<double>(2 * (from + i * step)));
          }
        }
      }
    }
  }
}

TEST_CASE("the gradient of a slice without elements is zero, also with the longest step") {
  const Tensor x = ones({4, 4}).requires_grad_();
  Tape tape;
  const Tensor nothing = slice(x, 1, 4, 0, INT64_MAX), one = slice(x, 0, 3, 1, INT64_MAX);
  tape.backward(sum(nothing) + sum(one));
  CHECK(sum(x.grad()).item() == 4);
  CHECK(x.grad().select(0, 3).to_vector<float>() == std::vector<float>(4, 1));
}

TEST_CASE("parts of absurd sizes are refused, and absurdly many are single elements") {
  const Tensor x = ones({3});
  const std::vector<int64_t> sizes = {INT64_MAX, INT64_MAX, 5};  // 3 where sums wrap
  CHECK(message_of([&] { split(x, sizes, 0); }).starts_with("[split] the 3 sizes add up to "));
  CHECK(chunk(x, INT64_MAX).size() == 3);
}
