// What is composed of other operations is a span on the tape, with its options.
#include <doctest/doctest.h>

#include <algorithm>

#include "../../core/norm/norm.h"
#include "../../core/ops.h"
#include "../../core/tape.h"
#include "../../nn/norm_variants.h"
#include "../../nn/recurrent.h"
#include "../../nn/reparametrization.h"
#include "../../nn/sequential.h"

using namespace gradus;

namespace {

/// Name and options of the first span that f opens, as "roll(shift=1)", for an x of this shape;
/// what f returns has to be its result.
template <class F>
std::string span_of(const Shape& shape, const F& f) {
  const Tensor x = ones(shape).requires_grad_();
  Tape tape;
  const Tensor y = f(x);
  REQUIRE(!tape.spans().empty());
  const SpanEntry& span = tape.spans()[0];
  CHECK(span.output == y.tape_slot().index);
  CHECK(span.end == tape.size());
  return span.name + "(" + span.options + ")";
}

/// Counts how often somebody asks for its options.
struct Asked : nn::Module {
  mutable int times = 0;
  void describe(nn::OptionVisitor& visit) const override {
    int64_t size = 3;
    visit("size", size);
    ++times;
  }
  Tensor forward(const Tensor& x) override { return neg(x); }
};

/// How often a span of this name is on the tape.
int64_t count(const Tape& tape, std::string_view name) {
  const auto spans = tape.spans();
  return std::count_if(spans.begin(), spans.end(),
                       [&](const SpanEntry& span) { return span.name == name; });
}

}  // namespace

TEST_CASE("operations composed of others are spans with their options") {
  const Tensor index = tensor<int64_t>({1, 0});
  CHECK(span_of({2, 2}, [](auto& x) {
          return einsum("ij,jk->ik", {x, x});
        }) == "einsum(equation=ij,jk->ik)");
  CHECK(span_of({2}, [](auto& x) { return outer(x, x); }) == "outer()");
  CHECK(span_of({2, 2}, [](auto& x) { return trace(x); }) == "trace()");
  CHECK(span_of({2, 2}, [](auto& x) { return stack({x, x}, -1); }) == "stack(dim=-1)");
  CHECK(span_of({2, 2}, [](auto& x) { return repeat(x, {2, 1}); }) == "repeat(repeats=[2,1])");
  CHECK(span_of({3}, [](auto& x) { return roll(x, 1, 0); }) == "roll(shift=1)");
  CHECK(span_of({2, 2}, [](auto& x) { return tril(x, -1); }) == "tril(diagonal=-1)");
  CHECK(span_of({2, 2}, [](auto& x) { return triu(x); }) == "triu(diagonal=0)");
  CHECK(span_of({2, 2}, [](auto& x) { return masked_select(x, x > 0.0); }) == "masked_select()");
  CHECK(span_of({4}, [](auto& x) {
          return pad(x, std::vector<int64_t>{1, 1}, PadMode::reflect);
        }) == "pad(mode=reflect)");
  CHECK(span_of({2, 3}, [&](auto& x) { return embedding(x, index, 1); }) ==
        "embedding(padding_idx=1)");
  CHECK(span_of({2, 3}, [&](auto& x) { return embedding(x, index); }) ==
        "embedding(padding_idx=none)");
  CHECK(span_of({1, 4, 2}, [](auto& x) { return local_response_norm(x, 3, 0.1); }) ==
        "local_response_norm(size=3, alpha=0.1, beta=0.75, k=1)");
  CHECK(span_of({2, 4, 2}, [](auto& x) {
          return group_norm(x, 2, {}, {}, 0.1, NormForm::composed);
        }) == "group_norm(num_groups=2, eps=0.1)");
}

TEST_CASE("a fused norm is one entry with its options") {
  const Tensor x = ones({2, 4, 2}).requires_grad_();
  Tape tape;
  group_norm(x, 2);
  CHECK(tape.spans().empty());
  CHECK(tape.options(tape[tape.size() - 1]) == "num_groups=2, eps=1e-05");
}

TEST_CASE("every step of a recurrent layer is a span in that of the layer") {
  nn::LSTM lstm({.input_size = 2, .hidden_size = 3, .num_layers = 2});
  Tape tape;
  lstm(ones({4, 1, 2}));
  CHECK(tape.spans()[0].name == "LSTM");
  CHECK(count(tape, "lstm_step") == 8);
}

TEST_CASE("a weight that is computed is a span") {
  nn::WeightNorm<nn::Linear> weight_norm(nn::Linear(3, 2));
  nn::SpectralNorm<nn::Linear> spectral_norm(nn::Linear(2, 2));
  nn::WeightStandardization<nn::Linear> standardization(nn::Linear(2, 2));
  Tape tape;
  standardization(spectral_norm(weight_norm(ones({1, 3}))));
  CHECK(count(tape, "weight_norm") == 1);
  CHECK(count(tape, "spectral_norm") == 1);
  CHECK(count(tape, "weight_standardization") == 1);
}

TEST_CASE("the options of a registered module become text once, not on each call") {
  nn::Sequential net;
  const Asked& layer = net.add(Asked());
  const int times = layer.times;
  Tape tape;
  net(net(ones({2}).requires_grad_()));
  CHECK(count(tape, "Asked") == 2);
  CHECK(tape.spans()[1].options == "size=3");
  CHECK(layer.times == times);
}

TEST_CASE("a layer whose options change says so to the tape") {
  nn::Sequential net;
  auto& layer = net.add(nn::BatchRenorm1d(2));
  layer.set_limits(1, 0);
  Tape tape;
  net(rand({4, 2}).requires_grad_());
  CHECK(tape.spans()[1].options.ends_with("r_max=1, d_max=0"));
}
