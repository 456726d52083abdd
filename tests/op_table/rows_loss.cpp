// Losses.
#include "../../core/ops.h"
#include "op_table.h"

namespace gradus::op_table {
namespace {

std::vector<Row> class_losses() {
  const Input scores{.shape = {5, 4}, .large = {2000, 10}};
  const Input labels{.shape = {5}, .large = {2000}, .values = Values::index, .limit = 4};
  const Input class_weight{.shape = {4}, .large = {10}, .values = Values::positive};
  return {
      {.op = "",
       .form = "cross_entropy(scores, labels)",
       .inputs = {scores, labels},
       .call = [](const Tensors& t) { return cross_entropy(t[0], t[1]); }},
      {.op = "",
       .form = "cross_entropy(scores, labels, weight, ignore_index, label_smoothing)",
       .inputs = {scores, labels, class_weight},
       .call =
           [](const Tensors& t) {
             return cross_entropy(t[0], t[1],
                                  {.weight = t[2], .ignore_index = 1, .label_smoothing = 0.1});
           }},
      {.op = "",
       .form = "nll_loss(scores, labels, none)",
       .inputs = {scores, labels},
       .call =
           [](const Tensors& t) { return nll_loss(t[0], t[1], {.reduction = Reduction::none}); }},
      {.op = "",
       .form = "multi_margin_loss(scores, labels, weight, p = 2)",
       .inputs = {{.shape = {5, 4}, .large = {2000, 10}, .values = Values::distinct},
                  labels,
                  class_weight},
       .call =
           [](const Tensors& t) {
             return multi_margin_loss(t[0], t[1], {.p = 2, .weight = t[2]});
           }},
  };
}

const Input prediction{.shape = {5, 4}, .large = {300, 200}};
const Input positive{.shape = {5, 4}, .large = {300, 200}, .values = Values::positive};
/// What becomes targets 1 and -1.
const Input signs{.shape = {5, 4}, .large = {300, 200}, .values = Values::mask};

Tensor sign_of(const Tensor& mask, const Tensor& like) {
  return sub(mul(mask.to(like.dtype()), 2), 1);
}

Row pair(const char* op, const char* form, Tensor (*call)(const Tensors&)) {
  return {.op = op, .form = form, .inputs = {prediction, prediction}, .call = call};
}

std::vector<Row> difference_losses() {
  return {
      pair("", "mse_loss(x, target, sum)",
           [](const Tensors& t) { return mse_loss(t[0], t[1], Reduction::sum); }),
      pair("", "l1_loss(x, target)", [](const Tensors& t) { return l1_loss(t[0], t[1]); }),
      pair("", "smooth_l1_loss(x, target, beta = 0.7)",
           [](const Tensors& t) { return smooth_l1_loss(t[0], t[1], {.beta = 0.7}); }),
      pair("huber", "huber_loss(x, target, none)",
           [](const Tensors& t) {
             return huber_loss(t[0], t[1], {.reduction = Reduction::none, .delta = 0.9});
           }),
  };
}

std::vector<Row> probability_losses() {
  return {
      {.op = "binary_cross_entropy",
       .form = "binary_cross_entropy(sigmoid(x), sigmoid(t), weight)",
       .inputs = {prediction, prediction, positive},
       .call =
           [](const Tensors& t) {
             return binary_cross_entropy(sigmoid(t[0]), sigmoid(t[1]), {.weight = t[2]});
           }},
      {.op = "mul_or_zero",
       .form = "binary_cross_entropy_with_logits(x, t, pos_weight)",
       .inputs = {prediction, positive, positive},
       .call =
           [](const Tensors& t) {
             return binary_cross_entropy_with_logits(t[0], t[1], {.pos_weight = t[2]});
           }},
      {.op = "",
       .form = "kl_div(x, t, batchmean)",
       .inputs = {prediction, positive},
       .call =
           [](const Tensors& t) {
             return kl_div(t[0], t[1], {.reduction = KlReduction::batchmean});
           }},
      pair("", "kl_div(x, t, log_target)",
           [](const Tensors& t) { return kl_div(t[0], t[1], {.log_target = true}); }),
      {.op = "",
       .form = "gaussian_nll_loss(x, t, variance, full)",
       .inputs = {prediction, prediction, positive},
       .call =
           [](const Tensors& t) { return gaussian_nll_loss(t[0], t[1], t[2], {.full = true}); }},
      pair("", "poisson_nll_loss(x, t)",
           [](const Tensors& t) { return poisson_nll_loss(t[0], t[1]); }),
      {.op = "",
       .form = "poisson_nll_loss(rate, t, full)",
       .inputs = {positive, positive},
       .call =
           [](const Tensors& t) {
             return poisson_nll_loss(t[0], add(t[1], 1), {.log_input = false, .full = true});
           }},
  };
}

std::vector<Row> margin_losses() {
  return {
      {.op = "",
       .form = "margin_ranking_loss(a, b, t, 0.45)",
       .inputs = {prediction, prediction, signs},
       .call =
           [](const Tensors& t) {
             return margin_ranking_loss(t[0], t[1], sign_of(t[2], t[0]), {.margin = 0.45});
           }},
      {.op = "",
       .form = "hinge_embedding_loss(x, t)",
       .inputs = {prediction, signs},
       .call = [](const Tensors& t) { return hinge_embedding_loss(t[0], sign_of(t[1], t[0])); }},
      {.op = "",
       .form = "soft_margin_loss(x, t)",
       .inputs = {prediction, signs},
       .call = [](const Tensors& t) { return soft_margin_loss(t[0], sign_of(t[1], t[0])); }},
      {.op = "",
       .form = "cosine_embedding_loss(a, b, t, -0.9)",
       .inputs = {prediction, prediction, {.shape = {5}, .large = {300}, .values = Values::mask}},
       .call =
           [](const Tensors& t) {
             return cosine_embedding_loss(t[0], t[1], sign_of(t[2], t[0]), {.margin = -0.9});
           }},
  };
}

}  // namespace

std::vector<Row> loss_rows() {
  std::vector<Row> list;
  for (auto part : {class_losses(), difference_losses(), probability_losses(), margin_losses()}) {
    for (Row& row : part) list.push_back(std::move(row));
  }
  return list;
}

}  // namespace gradus::op_table
