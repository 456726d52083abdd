// The claims, and how results decide on them. The functions are in the order of the claims.
#include "claims.h"

#include <gradus/core/base/text.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "../report/report.h"

namespace gradus::lab {

namespace {

using Kind = Verdict::Kind;

const char* const norms_of_images[] = {"batch", "layer", "instance", "group"};

/// The interval of what has this logarithm.
Interval power_of_ten(const Interval& i) {
  return {std::pow(10, i.mean), std::pow(10, i.low), std::pow(10, i.high), i.count};
}

Verdict open(const std::string& experiment) {
  return {Kind::open, str("not measured; run `", experiment, "`")};
}

bool decided(const Interval& i) {
  return i.count > 1 && std::isfinite(i.mean);
}

/// The largest of a number of the definitions, over the norms.
double largest(const Results& definitions, const char* value,
               std::initializer_list<const char*> norms) {
  double most = 0;
  for (const char* norm : norms) {
    most = std::max(most, definitions.where({{"norm", norm}}).mean(value).mean);
  }
  return most;
}

/// A claim that is a definition: it holds if the number is 0 up to rounding.
Verdict exact(const Results& results, double deviation, const std::string& what) {
  if (results.empty()) return open("definitions");
  return {deviation < 1e-9 ? Kind::holds : Kind::fails,
          str(what, ": largest deviation ", report::number(deviation, 1))};
}

double of(const Results& definitions, const char* norm, const char* value) {
  return definitions.where({{"norm", norm}}).mean(value).mean;
}

Verdict shape_stays(const ResultsOf& results) {
  const Results d = results("definitions");
  if (d.empty()) return open("definitions");
  double all = 1;
  for (const char* norm : norms_of_images) all = std::min(all, of(d, norm, "same_shape"));
  return {all == 1 ? Kind::holds : Kind::fails, "for batch, layer, instance and group norm"};
}

Verdict batch_sets(const ResultsOf& results) {
  const Results d = results("definitions");
  double most = 0;
  for (const char* value :
       {"mean_of_set", "variance_of_set", "mean_is_beta", "deviation_is_gamma"}) {
    most = std::max(most, largest(d, value, {"batch"}));
  }
  return exact(d, most, "mean 0 and variance v / (v + eps), then beta and gamma");
}

Verdict layer_sets(const ResultsOf& results) {
  const Results d = results("definitions");
  return exact(d, std::max(largest(d, "mean_of_set", {"layer"}), of(d, "layer", "samples_touch")),
               "statistics per sample, and no sample sees another");
}

Verdict instance_sets(const ResultsOf& results) {
  const Results d = results("definitions");
  return exact(d,
               std::max({largest(d, "mean_of_set", {"instance"}),
                         of(d, "instance", "samples_touch"), of(d, "instance", "channels_touch")}),
               "neither samples nor channels see each other");
}

Verdict group_sets(const ResultsOf& results) {
  const Results invariants = results("invariants");
  if (invariants.empty()) return open("invariants");
  double most = 0;
  for (const Record& record : invariants.records()) {
    most = std::max(most, number(record.values["7 special cases agree"]));
  }
  return exact(invariants, most, "one group is layer norm, C groups are instance norm");
}

Verdict group_is_cheaper(const ResultsOf& results) {
  const Results cost = results("cost"), sizes = results("batch-size");
  const Results large = cost.where({{"batch", 64}});
  const Interval group = large.where({{"norm", "group"}}).mean("microseconds");
  const Interval batch = large.where({{"norm", "batch"}}).mean("microseconds");
  if (!decided(group) || !decided(batch)) return open("cost");
  const double saved_group = large.where({{"norm", "group"}}).mean("saved_bytes").mean;
  const double saved_batch = large.where({{"norm", "batch"}}).mean("saved_bytes").mean;
  const Results at_2 = sizes.where({{"net", "fully connected"}, {"batch", 2}});
  const Interval small_group = at_2.where({{"norm", "group"}}).mean("error");
  const Interval small_batch = at_2.where({{"norm", "batch"}}).mean("error");
  const bool faster = below(group, batch), suits = below(small_group, small_batch);
  const std::string figures =
      str("one layer, forward and backward: group norm ", text_of(group), " microseconds and ",
          fixed(saved_group / 1e6, 2), " MB kept, batch norm ", text_of(batch), " and ",
          fixed(saved_batch / 1e6, 2), "; test error with batches of 2: ", text_of(small_group),
          " % and ", text_of(small_batch), " %");
  if (faster && suits) return {Kind::holds_when, str("memory does not count; ", figures)};
  return {Kind::fails,
          str(faster ? "it does not suit small batches better; " : "it takes as long; ", figures)};
}

Verdict sizes_that_suit(const ResultsOf& results) {
  const Results sizes = results("batch-size").where({{"net", "fully connected"}});
  const auto error = [&](const char* norm, int64_t batch) {
    return sizes.where({{"norm", norm}, {"batch", batch}}).mean("error");
  };
  const Interval batch_64 = error("batch", 64), layer_64 = error("layer", 64);
  const Interval batch_4 = error("batch", 4), layer_4 = error("layer", 4);
  if (!decided(batch_64) || !decided(layer_4)) return open("batch-size");
  const std::string figures =
      str("in a fully connected net, 64 images: batch ", text_of(batch_64), " %, layer ",
          text_of(layer_64), " %; 4 images: ", text_of(batch_4), " and ", text_of(layer_4), " %");
  if (below(layer_4, batch_4) && !below(layer_64, batch_64)) return {Kind::holds, figures};
  if (below(layer_4, batch_4)) return {Kind::holds_when, str("batches are small; ", figures)};
  return {Kind::fails, str("the difference does not show at this scale; ", figures)};
}

Verdict input_scale(const ResultsOf& results) {
  const Results d = results("definitions");
  if (d.empty()) return open("definitions");
  const double channel = of(d, "batch", "channel_scale"), order = of(d, "batch", "kept_order");
  const bool holds = channel < 1e-9 && order == 1 && of(d, "layer", "channel_scale") > 0.1;
  return {holds ? Kind::holds_when : Kind::fails,
          str("the scale and shift are those of a whole feature: that changes batch norm's output "
              "by ",
              report::number(channel, 1), ", layer norm's by ",
              fixed(of(d, "layer", "channel_scale"), 1),
              "; scaling single samples changes them by ", fixed(of(d, "batch", "sample_scale"), 1),
              " and ", report::number(of(d, "layer", "sample_scale"), 1),
              ". Of the pairs of samples, batch norm keeps the order of ", fixed(100 * order, 0),
              " %, layer norm of ", fixed(100 * of(d, "layer", "kept_order"), 0), " %")};
}

Verdict covariate_shift_helps(const ResultsOf& results) {
  const Results shift = results("covariate-shift");
  const auto of_net = [&](const char* norm, const char* value) {
    return shift.where({{"norm", norm}}).mean(value);
  };
  const Interval none = of_net("none", "final_loss"), noisy = of_net("batch, noise", "final_loss");
  const Interval shift_none = of_net("none", "median_shift");
  const Interval shift_batch = of_net("batch", "median_shift");
  const Interval shift_noisy = of_net("batch, noise", "median_shift");
  if (!decided(none) || !decided(noisy)) return open("covariate-shift");
  const std::string figures =
      str("loss ", text_of(none),
          " without a norm, where a step of the layers below changes the gradient "
          "above by a share of ",
          text_of(shift_none), "; ", text_of(of_net("batch", "final_loss")),
          " with batch norm, where it is ", text_of(shift_batch), "; ", text_of(noisy),
          " with noise after each batch norm, where it is ", text_of(shift_noisy));
  if (below(noisy, none) && below(shift_none, shift_noisy)) {
    return {Kind::fails,
            str("the shift is larger with batch norm, and yet it trains faster; ", figures)};
  }
  if (!below(of_net("batch", "final_loss"), none)) {
    return {Kind::fails, str("batch norm does not train faster here; ", figures)};
  }
  if (!below(shift_batch, shift_none)) {
    return {Kind::fails, str("batch norm does not reduce the shift here; ", figures)};
  }
  return {Kind::holds_when, str("nothing disturbs the outputs; ", figures)};
}

Verdict faster(const ResultsOf& results) {
  const Results sigmoid = results("sigmoid-mlp"), rates = results("largest-lr");
  const Results depth = results("depth-law").where({{"activation", "relu"}, {"batch", 32}});
  const auto of_norm = [](const Results& some, const char* norm, const char* value) {
    return some.where({{"norm", norm}}).mean(value);
  };
  const Interval none = of_norm(sigmoid, "none", "steps_to_20");
  const Interval batch = of_norm(sigmoid, "batch", "steps_to_20");
  const Interval rate_none = of_norm(rates, "none", "largest");
  const Interval rate_batch = of_norm(rates, "batch", "largest");
  const Interval growth = of_norm(depth, "batch", "rate");
  if (!decided(none) || !decided(rate_batch)) return open("sigmoid-mlp and largest-lr");
  const bool holds = below(batch, none) && below(rate_none, rate_batch);
  return {holds ? Kind::holds_when : Kind::fails,
          str("the net is not too deep: a sigmoid net needs ", text_of(batch), " steps instead of ",
              text_of(none),
              " to 20 % error, and the largest rate that trains, of rates in steps of "
              "three, is ",
              text_of(power_of_ten(rate_batch)), " instead of ", text_of(power_of_ten(rate_none)),
              "; but in a deep net before training batch norm ",
              "lets squared gradients explode, by ", text_of(growth), " per layer")};
}

Verdict regularizes(const ResultsOf& results) {
  const Results data = results("frn-dyt");
  if (data.empty()) return open("frn-dyt");
  std::vector<json> digits = data.distinct("digits");
  const Results few = data.where({{"digits", digits[0]}});
  const auto of_norm = [&](const char* norm, const char* value) {
    return few.where({{"norm", norm}}).mean(value);
  };
  const Interval none = of_norm("none", "error"), batch = of_norm("batch", "error");
  const Interval layer = of_norm("layer", "error");
  if (!decided(none) || !decided(batch)) return open("frn-dyt");
  const std::string figures =
      str("test error of nets that fit ", digits[0].dump(), " digits: none ", text_of(none),
          " %, batch ", text_of(batch), " %, layer ", text_of(layer), " % (error on those digits ",
          fixed(of_norm("none", "train_error").mean, 1), ", ",
          fixed(of_norm("batch", "train_error").mean, 1), " and ",
          fixed(of_norm("layer", "train_error").mean, 1), " %)");
  if (below(batch, none)) {
    return {Kind::holds, str(below(layer, none) ? "layer norm does so too; " : "", figures)};
  }
  if (below(none, batch)) return {Kind::fails, str("it tests worse here; ", figures)};
  return {Kind::fails, str("no difference shows at this scale; ", figures)};
}

Verdict one_image(const ResultsOf& results) {
  const Results use = results("inference").where({{"norm", "batch"}});
  const Interval right = use.mean("right"), one = use.mean("training_1");
  const Interval sixty = use.mean("training_64"), sorted = use.mean("training_sorted");
  const Interval four = use.mean("training_4");
  if (!decided(right)) return open("inference");
  const std::string figures = str(
      "test error ", text_of(right), " % in evaluation mode; in training mode, with statistics of ",
      "one image ", text_of(one), " %, of 4 ", text_of(four), " %, of 64 ", text_of(sixty),
      " %, of 64 of one or two classes ", text_of(sorted), " %");
  if (!below(right, one)) return {Kind::fails, str("no harm shows at this scale; ", figures)};
  if (below(right, four)) return {Kind::holds, figures};
  return {Kind::holds_when, str("it is one image, or images of one class; ", figures)};
}

Verdict instance_is_cheaper(const ResultsOf& results) {
  const Results large = results("cost").where({{"batch", 64}});
  const Results instance = large.where({{"norm", "instance"}}),
                batch = large.where({{"norm", "batch"}});
  const Interval a = instance.mean("microseconds"), b = batch.mean("microseconds");
  if (!decided(a) || !decided(b)) return open("cost");
  const double more = instance.mean("saved_bytes").mean - batch.mean("saved_bytes").mean;
  return {Kind::fails,
          str(below(a, b) ? "it is faster, but keeps more: " : "it is not faster: ", text_of(a),
              " microseconds against batch norm's ", text_of(b), ", and it keeps ", fixed(more, 0),
              " bytes more for the backward pass, a mean and a variance for each sample; it saves ",
              fixed(batch.mean("buffer_bytes").mean, 0), " bytes of running statistics")};
}

Verdict keeps_information(const ResultsOf& results) {
  const Results d = results("definitions");
  if (d.empty()) return open("definitions");
  const double instance = of(d, "instance", "sample_scale"), batch = of(d, "batch", "sample_scale");
  return {instance < 1e-9 && batch > 0.1 ? Kind::fails : Kind::holds,
          str("it removes contrast and brightness of every image: scaling and shifting single "
              "samples changes its output by ",
              report::number(instance, 1), ", batch norm's by ", fixed(batch, 1))};
}

Verdict instance_generalizes_less(const ResultsOf& results) {
  const Results sizes = results("batch-size").where({{"net", "convolutional"}, {"batch", 64}});
  const Interval instance = sizes.where({{"norm", "instance"}}).mean("error");
  const Interval batch = sizes.where({{"norm", "batch"}}).mean("error");
  if (!decided(instance) || !decided(batch)) return open("batch-size");
  const std::string figures =
      str("batches of 64: instance ", text_of(instance), " %, batch ", text_of(batch), " %");
  if (below(batch, instance)) return {Kind::holds, figures};
  return {Kind::fails, str("on digits it does not; ", figures)};
}

Verdict local_response(const ResultsOf& results) {
  const Results d = results("definitions");
  if (d.empty()) return open("definitions");
  const Results lrn = d.where({{"norm", "local response"}});
  const bool holds = lrn.mean("first_channel_notices").mean == 0 &&
                     lrn.mean("neighbour_notices").mean > 0 && lrn.mean("parameters").mean == 0;
  return {holds ? Kind::holds : Kind::fails,
          str("only neighbouring channels count, the mean stays (up to ",
              fixed(lrn.mean("mean_of_set").mean, 2), "), and there are ",
              fixed(lrn.mean("parameters").mean, 0), " parameters")};
}

Verdict scaling_helps(const ResultsOf& results) {
  const Results scaling = results("input-scaling");
  const char *const bytes = "bytes, 0 to 255", *const standard = "standardized";
  const auto error = [&](const char* norm, const char* kind, double rate) {
    return scaling.where({{"norm", norm}, {"scaling", kind}, {"rate", rate}}).mean("error");
  };
  const auto best = [&](const char* norm, const char* kind) {
    Interval least{100, 100, 100, 0};
    for (const json& rate : scaling.distinct("rate")) {
      const Interval one = error(norm, kind, rate.get<double>());
      if (decided(one) && one.mean < least.mean) least = one;
    }
    return least;
  };
  const Interval best_bytes = best("none", bytes), best_standard = best("none", standard);
  if (!decided(best_bytes) || !decided(best_standard)) return open("input-scaling");
  constexpr double usual = 0.01;
  const Interval bytes_there = error("none", bytes, usual);
  const Interval standard_there = error("none", standard, usual);
  const double wrong =
      scaling.where({{"part", "inverse"}, {"scaling", standard}}).mean("wrong_bytes").mean;
  const std::string figures =
      str("at the rate ", usual, " bytes ", text_of(bytes_there), " %, standardized ",
          text_of(standard_there), " %; at the best rate of each ", text_of(best_bytes), " and ",
          text_of(best_standard), " %; with batch norm ", text_of(best("batch", bytes)), " and ",
          text_of(best("batch", standard)), " %. Undone, ", fixed(wrong, 0), " bytes differ");
  if (below(best_standard, best_bytes)) return {Kind::holds, figures};
  if (below(standard_there, bytes_there)) {
    return {Kind::holds_when, str("the rate is not chosen for the scale; ", figures)};
  }
  return {Kind::fails, str("no difference shows at this scale; ", figures)};
}

Verdict decay_is_a_rate(const ResultsOf& results) {
  const Results map = results("rate-decay");
  const Results batch = map.where({{"norm", "batch"}});
  if (batch.empty()) return open("rate-decay");
  // The range of the effective rate where a setting has its last value, the largest.
  const auto range = [&](const char* setting) {
    const json last = batch.distinct(setting).back();
    const Results some = batch.where({{setting, last}});
    double low = 1e30, high = -1e30;
    for (const json& settings : some.settings()) {
      const double effective = some.where(settings).mean("effective").mean;
      low = std::min(low, effective);
      high = std::max(high, effective);
    }
    return std::pair(last.get<double>(), std::pow(10, high - low));
  };
  const auto [product, by_rate] = range("product");
  const auto [rate, by_product] = range("rate");
  const Interval l1 = map.where({{"kind", "l1"}, {"decay", 1e-3}}).mean("near_zero");
  const Interval l2 = map.where({{"kind", "l2"}, {"decay", 1e-3}}).mean("near_zero");
  if (!decided(l1) || !decided(l2)) return open("rate-decay");
  return {
      below(l2, l1) ? Kind::holds : Kind::fails,
      str("weights before a norm have no scale (identity 5): where rate times decay is ", product,
          ", the effective rate is the same for all rates within a factor of ",
          report::number(by_rate, 3), ", while at the rate ", rate,
          " the decay changes it by a factor of ", report::number(by_product, 2),
          ". Near zero: ", text_of(l1), " % of the weights with L1, ", text_of(l2), " % with L2")};
}

Verdict ninety_nine_per_cent(const ResultsOf& results) {
  const Results use = results("inference").where({{"norm", "batch"}});
  const Interval right = use.mean("right");
  if (!decided(right)) return open("inference");
  std::string figures = str("error ", text_of(right), " % as it should be");
  bool all = true;
  for (const auto& [name, what] :
       {std::pair("bytes", "pixels up to 255"), std::pair("not_standardized", "pixels from 0 to 1"),
        std::pair("training_1", "training mode, one image"),
        std::pair("inverted", "dark on bright"), std::pair("shifted", "moved by 4 pixels")}) {
    figures += str("; ", what, " ", text_of(use.mean(name)), " %");
    all = all && below(right, use.mean(name));
  }
  return {all ? Kind::holds : Kind::holds_when,
          all ? figures : str("not for every cause; ", figures)};
}

Verdict defaults(const ResultsOf& results) {
  const Results d = results("definitions").where({{"defaults", "BatchNorm2d"}});
  if (d.empty()) return open("definitions");
  const double most =
      std::max({std::abs(d.mean("eps").mean - 1e-5), std::abs(d.mean("momentum").mean - 0.1),
                d.mean("parameters_without_affine").mean, d.mean("without_affine").mean,
                d.mean("moved_mean").mean, d.mean("moved_variance").mean});
  return exact(d, most,
               "options, no parameters without affine, statistics moved by a tenth (the "
               "variance with divisor M - 1)");
}

constexpr std::array claim_table = {
    Claim{1, "A normalization layer does not change the shape of its input.", "definitions",
          shape_stays},
    Claim{2,
          "Batch norm: one mean and variance per channel, over the batch and all pixels; the "
          "result has mean 0 and variance 1, then mean beta and deviation gamma.",
          "definitions", batch_sets},
    Claim{3, "Layer norm: statistics per sample, over its features; independent of the batch size.",
          "definitions", layer_sets},
    Claim{4, "Instance norm: statistics per sample and channel, over its pixels.", "definitions",
          instance_sets},
    Claim{5,
          "Group norm: statistics per sample and group of channels; with one group it is layer "
          "norm, with C groups instance norm.",
          "invariants", group_sets},
    Claim{6,
          "Group norm is cheaper in compute and memory than batch norm, and suits small batches.",
          "cost", group_is_cheaper},
    Claim{7, "Batch norm suits large batches, layer norm suits any batch size.", "batch-size",
          sizes_that_suit},
    Claim{8,
          "Batch norm makes a net insensitive to scale and shift of its inputs, but keeps the "
          "order of samples; layer norm does not.",
          "definitions", input_scale},
    Claim{9, "Batch norm reduces internal covariate shift; that is why it trains faster.",
          "covariate-shift", covariate_shift_helps},
    Claim{10,
          "Batch norm speeds up convergence, allows larger learning rates, and helps against "
          "vanishing and exploding gradients.",
          "sigmoid-mlp", faster},
    Claim{11, "Batch norm regularizes and reduces overfitting.", "frn-dyt", regularizes},
    Claim{12,
          "For a single image batch statistics are meaningless; forgetting to switch to "
          "evaluation mode ruins predictions.",
          "inference", one_image},
    Claim{13, "Instance norm uses less memory and is faster than batch norm.", "cost",
          instance_is_cheaper},
    Claim{14, "Instance norm keeps more of each sample's own information than batch norm.",
          "definitions", keeps_information},
    Claim{15, "Instance norm generalizes less well than batch norm on classification.",
          "batch-size", instance_generalizes_less},
    Claim{16,
          "Local response norm differs in range, in what it divides by, and has nothing to learn.",
          "definitions", local_response},
    Claim{17,
          "Standardizing or min-max scaling the input speeds up and stabilizes training, and can "
          "be inverted.",
          "input-scaling", scaling_helps},
    Claim{18,
          "L2 regularization before a norm only changes the effective learning rate; L1 makes "
          "weights sparse.",
          "rate-decay", decay_is_a_rate},
    Claim{19,
          "Good test accuracy, poor predictions: wrong preprocessing, training mode left on, or "
          "a shifted distribution.",
          "inference", ninety_nine_per_cent},
    Claim{20,
          "BatchNorm2d(num_features, eps=1e-5, momentum=0.1, affine=True): without affine scale "
          "and shift stay 1 and 0; running statistics move by momentum.",
          "definitions", defaults}};

}  // namespace

std::span<const Claim> claims() {
  return claim_table;
}

const char* name_of(Verdict::Kind kind) {
  constexpr std::array names = {"holds", "holds when", "fails because", "open"};
  return names.at(static_cast<size_t>(kind));
}

}  // namespace gradus::lab
