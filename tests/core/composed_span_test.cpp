// What is made of other operations, as the tape shows it: losses, activations, reductions.
#include <doctest/doctest.h>

#include <functional>
#include <string>
#include <vector>

#include "../../core/ops.h"
#include "../../core/tape.h"

using namespace gradus;

namespace {

struct Case {
  std::string name, options;
  std::function<Tensor(const Tensor& x)> call;  ///< with probabilities [2,4]
};

std::vector<Case> losses() {
  const Tensor t = full({2, 4}, 0.25, float64), signs = ones({2, 4}, float64);
  const Tensor classes = tensor({int64_t{1}, int64_t{3}});
  return {
      {"cross_entropy", "ignore_index=-100, label_smoothing=0.1, reduction=sum",
       [=](const Tensor& x) {
         return cross_entropy(x, classes, {.reduction = Reduction::sum, .label_smoothing = 0.1});
       }},
      {"cross_entropy", "ignore_index=-100, label_smoothing=0, reduction=mean",
       [=](const Tensor& x) { return cross_entropy(x, t); }},
      {"nll_loss", "ignore_index=2, reduction=mean",
       [=](const Tensor& x) { return nll_loss(x, classes, {.ignore_index = 2}); }},
      {"multi_margin_loss", "p=2, margin=1, reduction=mean",
       [=](const Tensor& x) { return multi_margin_loss(x, classes, {.p = 2}); }},
      {"mse_loss", "reduction=sum",
       [=](const Tensor& x) { return mse_loss(x, t, Reduction::sum); }},
      {"l1_loss", "reduction=none",
       [=](const Tensor& x) { return l1_loss(x, t, Reduction::none); }},
      {"huber_loss", "delta=0.5, reduction=mean",
       [=](const Tensor& x) { return huber_loss(x, t, {.delta = 0.5}); }},
      {"smooth_l1_loss", "beta=1, reduction=mean",
       [=](const Tensor& x) { return smooth_l1_loss(x, t); }},
      {"binary_cross_entropy", "reduction=mean",
       [=](const Tensor& x) { return binary_cross_entropy(x, t); }},
      {"binary_cross_entropy_with_logits", "reduction=mean",
       [=](const Tensor& x) { return binary_cross_entropy_with_logits(x, t); }},
      {"kl_div", "log_target=false, reduction=batchmean",
       [=](const Tensor& x) { return kl_div(x, t, {.reduction = KlReduction::batchmean}); }},
      {"gaussian_nll_loss", "full=true, eps=1e-06, reduction=mean",
       [=](const Tensor& x) { return gaussian_nll_loss(x, t, t, {.full = true}); }},
      {"poisson_nll_loss", "log_input=true, full=false, eps=1e-08, reduction=mean",
       [=](const Tensor& x) { return poisson_nll_loss(x, t); }},
      {"margin_ranking_loss", "margin=0.5, reduction=mean",
       [=](const Tensor& x) { return margin_ranking_loss(x, t, signs, {.margin = 0.5}); }},
      {"hinge_embedding_loss", "margin=1, reduction=mean",
       [=](const Tensor& x) { return hinge_embedding_loss(x, signs); }},
      {"soft_margin_loss", "reduction=mean",
       [=](const Tensor& x) { return soft_margin_loss(x, signs); }},
      {"cosine_embedding_loss", "margin=0, reduction=mean",
       [=](const Tensor& x) { return cosine_embedding_loss(x, t, signs.select(1, 0)); }},
  };
}

std::vector<Case> functions() {
  return {
      {"prelu", "", [](const Tensor& x) { return prelu(x, full({1}, 0.1, float64)); }},
      {"selu", "", [](const Tensor& x) { return selu(x); }},
      {"tanhshrink", "", [](const Tensor& x) { return tanhshrink(x); }},
      {"relu6", "", [](const Tensor& x) { return relu6(x); }},
      {"threshold", "threshold=0.2, value=3", [](const Tensor& x) { return threshold(x, 0.2, 3); }},
      {"glu", "dim=-1", [](const Tensor& x) { return glu(x); }},
      {"softmin", "dim=1", [](const Tensor& x) { return softmin(x, 1); }},
      {"alpha_dropout", "p=0.5", [](const Tensor& x) { return alpha_dropout(x, 0.5); }},
      {"prod", "dim=1", [](const Tensor& x) { return prod(x, 1); }},
      {"var", "dims=[0], correction=0", [](const Tensor& x) { return var(x, {0}, 0); }},
      {"stddev", "dims=[1], correction=1", [](const Tensor& x) { return stddev(x, {1}); }},
      {"norm", "ord=3", [](const Tensor& x) { return norm(x, {}, 3); }},
  };
}

Tensor probabilities() {
  return rand({2, 4}, float64).requires_grad_();
}

}  // namespace

TEST_CASE("losses and composed functions are spans with their options") {
  for (const auto& cases : {losses(), functions()}) {
    for (const Case& c : cases) {
      CAPTURE(c.name);
      const Tape tape;
      c.call(probabilities());
      REQUIRE(!tape.spans().empty());
      CHECK(tape.spans()[0].name == c.name);
      CHECK(tape.spans()[0].options == c.options);
    }
  }
}

TEST_CASE("the constants of a function stand on its line") {
  const std::vector<Case> cases = {
      {"clamp", "lo=0, hi=0.5", [](const Tensor& x) { return clamp(x, 0, 0.5); }},
      {"leaky_relu", "negative_slope=0.01", [](const Tensor& x) { return leaky_relu(x); }},
      {"elu", "alpha=2", [](const Tensor& x) { return elu(x, 2); }},
      {"gelu", "approximate=tanh", [](const Tensor& x) { return gelu(x, Gelu::tanh); }},
      {"gelu", "approximate=none", [](const Tensor& x) { return gelu(x); }},
      {"softplus", "beta=1, threshold=20", [](const Tensor& x) { return softplus(x); }},
      {"hardtanh", "min_val=-1, max_val=1", [](const Tensor& x) { return hardtanh(x); }},
      {"celu", "alpha=2", [](const Tensor& x) { return celu(x, 2); }},
      {"softsign", "", [](const Tensor& x) { return softsign(x); }},
      {"hardsigmoid", "", [](const Tensor& x) { return hardsigmoid(x); }},
      {"hardshrink", "lambda=0.5", [](const Tensor& x) { return hardshrink(x); }},
      {"softshrink", "lambda=0.1", [](const Tensor& x) { return softshrink(x, 0.1); }},
      {"softmax", "dim=0", [](const Tensor& x) { return softmax(x, 0); }},
      {"sum", "dims=[1]", [](const Tensor& x) { return sum(x, {1}, true); }},
      {"cumsum", "dim=1, reverse=false", [](const Tensor& x) { return cumsum(x, 1); }},
      {"max", "dim=1", [](const Tensor& x) { return max(x, 1, true).values; }},
      {"tanh", "", [](const Tensor& x) { return tanh(x); }},
  };
  for (const Case& c : cases) {
    const Tape tape;
    c.call(probabilities());
    const Entry& entry = tape[tape.size() - 1];
    CHECK(entry.op == c.name);
    CHECK(tape.options(entry) == c.options);
  }
}
