// A report with every kind of panel, from made-up numbers.
#pragma once

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "../../examples/report/report.h"

namespace gradus::report {

inline Curve with_band(std::vector<double> x, std::vector<double> y, double share) {
  Curve curve{.x = std::move(x), .y = std::move(y), .low = {}, .high = {}};
  for (const double value : curve.y) {
    curve.low.push_back(value * (1 - share));
    curve.high.push_back(value * (1 + share));
  }
  return curve;
}

inline Curve sampled(int count, double from, double to, auto f) {
  Curve curve;
  for (int i = 0; i < count; ++i) {
    const double x = from + (to - from) * i / (count - 1);
    curve.x.push_back(x);
    curve.y.push_back(f(x));
  }
  return curve;
}

inline const std::vector<std::string> norm_names = {"none", "batch", "layer", "instance", "group"};

inline void fill_batch_sizes(Figure& figure) {
  figure.x = {.label = "images per batch", .log = true, .from = {}, .to = {}};
  figure.y = {.label = "test error, %", .log = false, .from = {}, .to = {}};
  const std::vector<double> sizes = {1, 2, 4, 8, 16, 32, 64};
  figure.line("none", with_band(sizes, {3.4, 3.3, 3.3, 3.2, 3.3, 3.4, 3.3}, 0.06));
  figure.line("batch", with_band(sizes, {NAN, 9.8, 4.6, 2.9, 2.3, 2.1, 2.05}, 0.08));
  figure.line("layer", with_band(sizes, {2.5, 2.45, 2.4, 2.5, 2.45, 2.4, 2.4}, 0.05));
  figure.line("instance", with_band(sizes, {3.1, 3.0, 3.05, 3.1, 3.0, 3.0, 3.1}, 0.05));
  figure.line("group", with_band(sizes, {2.2, 2.25, 2.2, 2.15, 2.2, 2.25, 2.2}, 0.05));
}

inline void fill_first(Section& first) {
  Figure& glance = first.figure("glance", "Six findings");
  glance.see = "Only batch norm depends on the batch: at four images per batch take group norm.";
  glance.settings = "Four convolutions, 10,000 digits, three epochs.";
  glance.seeds = "5 seeds; bands are 95 % intervals of the mean";
  for (const char* title : {"Error against batch size", "Largest stable rate", "Gradient growth",
                            "Rank against depth", "Loss while training", "Input scaled"}) {
    Chart& chart = glance.chart(title, {.label = "depth", .log = false, .from = {}, .to = {}},
                                {.label = "gradient norm", .log = true, .from = {}, .to = {}});
    chart.link = "#depth";
    for (size_t n = 0; n < norm_names.size(); ++n) {
      const double rate = 0.8 + 0.1 * static_cast<double>(n);
      const Curve curve = sampled(9, 1, 33, [&](double x) { return std::pow(rate, x / 3); });
      chart.line(norm_names[n], with_band(curve.x, curve.y, 0.2));
    }
  }
  Figure& claims = first.figure("claims", "Twenty claims about normalization");
  claims.see = "Most hold with a condition; the conditions are what the figures show.";
  Table& table = claims.add(Table{.title = {},
                                  .link = {},
                                  .columns = {"", "Claim", "Verdict", "Figures", "Experiment"},
                                  .rows = {}});
  const std::vector<std::pair<const char*, Tone>> verdicts = {{"holds", Tone::good},
                                                              {"holds when", Tone::partly},
                                                              {"fails because", Tone::bad},
                                                              {"open", Tone::open}};
  for (int i = 1; i <= 8; ++i) {
    const auto& [verdict, tone] = verdicts[static_cast<size_t>(i) % 4];
    table.rows.push_back({{std::to_string(i)},
                          {"Batch norm speeds up convergence, allows larger learning rates, and "
                           "helps against vanishing gradients."},
                          {verdict, tone},
                          {"the batch has at least 8 images: error 2.1 % (1.9 to 2.3) at 64, 4.6 % "
                           "(4.1 to 5.2) at 4, where group norm has 2.2 %"},
                          {"[batch-size](#batch-size)"}});
  }
}

inline Page sample_page() {
  Page page{.title = "Normalization, measured",
            .lead =
                "What batch, layer, instance and group norm do to activations, gradients and "
                "errors of small nets on MNIST, with intervals.",
            .preview = "A quick run: few images, two seeds. Figures are previews, no verdicts.",
            .facts = {{"Data", "MNIST, 10,000 of 60,000 images"},
                      {"Machine", "AMD EPYC, 2 threads"},
                      {"Gradus", "0.2.0"},
                      {"Seeds", "2"}},
            .first = {},
            .sections = {}};
  fill_first(page.first);

  Section& batch = page.section("batch-size", "Error against batch size");
  batch.paper = "Wu & He 2018, Table 2 and Figure 5";
  batch.text =
      "Batch norm estimates its statistics from the batch. The smaller it is, the noisier "
      "they are; `nn::GroupNorm` takes them from each image alone.\n\nThe learning rate "
      "grows with the batch, as in the paper.";
  Figure& error = batch.figure("error-vs-batch", "Test error against images per batch");
  error.see = "Batch norm's error rises below eight images; that of the others stays where it is.";
  error.published =
      "ResNet-50 on ImageNet: BN 23.6 % at 32 and 34.7 % at 2 images; GN 24.1 % at "
      "both (Wu & He 2018)";
  error.ours = "BN 2.1 % at 64 and 9.8 % at 2 images; GN 2.2 % at both";
  error.settings =
      "Four convolutions (8 to 32 channels), SGD with momentum 0.9, rate 0.1 x batch / "
      "64, 5,000 images, 3 epochs; the paper: 1.28 million images, 100 epochs";
  error.seeds = "5 seeds; bands are 95 % intervals of the mean (Student's t)";
  error.data = "batch-size.jsonl";
  fill_batch_sizes(error);

  Figure& bars = batch.figure("error-at-4", "Test error at four images per batch");
  bars.see = "Weight standardization closes what is left.";
  bars.seeds = "5 seeds";
  bars.y.label = "test error, %";
  bars.add(
      Bars{.title = {},
           .link = {},
           .value = {},
           .groups = {"none", "batch", "layer", "instance", "group", "group, weights standardized"},
           .series = {{"error",
                       {.x = {},
                        .y = {3.3, 4.6, 2.4, 3.05, 2.2, 2.1},
                        .low = {3.1, 4.1, 2.3, 2.9, 2.1, 2.0},
                        .high = {3.5, 5.2, 2.5, 3.2, 2.3, 2.3}}}}});
  Figure& gap = batch.figure("gap", "Training mode against evaluation mode");
  gap.see = "Precise statistics need some thousand samples.";
  gap.add(Bars{
      .title = {},
      .link = {},
      .value = {.label = "error, %", .log = false, .from = {}, .to = {}},
      .groups = {"batch 64", "batch 4"},
      .series = {
          {"batch, moving average", {.x = {}, .y = {2.2, 5.1}, .low = {}, .high = {}}},
          {"batch, precise", {.x = {}, .y = {2.1, 4.6}, .low = {2.0, 4.0}, .high = {2.2, 5.0}}}}});

  Section& depth = page.section("depth", "Gradients against depth");
  depth.paper = "Yang et al. 2019, Theorem 8";
  Figure& growth = depth.figure("growth", "Gradient norm of each layer at initialization");
  growth.see =
      "With batch norm gradients grow by 1.21 per layer towards the input; the dashed line "
      "is theory.";
  growth.published = "\u221a(\u03c0/(\u03c0 \u2212 1)) \u2248 1.211 per layer for large batches";
  growth.ours = "1.213 (1.208 to 1.219)";
  growth.x.label = "layer";
  growth.y = {.label = "|gradient|", .log = true, .from = {}, .to = {}};
  growth.line("batch", sampled(50, 1, 50, [](double x) {
                return std::pow(1.21, 50 - x) * (1 + 0.2 * std::sin(7 * x));
              }));
  growth.line("none", sampled(50, 1, 50, [](double x) { return std::pow(0.92, 50 - x); }));
  growth.dashed("theory", sampled(2, 1, 50, [](double x) { return std::pow(1.211, 50 - x); }));
  growth.level("one", 1);
  growth.level("not much more", 1.2);

  Figure& rates = depth.figure("rates", "Test accuracy against rate and decay");
  rates.see = "Along lines of constant product the accuracy is the same.";
  HeatMap map{.title = {},
              .link = {},
              .x = "learning rate",
              .y = "weight decay",
              .columns = {},
              .rows = {},
              .values = {}};
  for (int i = 0; i < 8; ++i) map.columns.push_back(number(std::pow(10, -3 + 0.5 * i), 1));
  for (int i = 0; i < 6; ++i) map.rows.push_back(number(std::pow(10, -4 + 0.5 * i), 1));
  for (int i = 0; i < 48; ++i)
    map.values.push_back(
        i == 47 ? NAN : 98.5 - 0.3 * std::abs(i % 8 + i / 8 - 6) * std::abs(i % 8 + i / 8 - 6));
  rates.add(map);

  Figure& jacobian = depth.figure("jacobian", "Which inputs touch which outputs");
  jacobian.see = "Batch norm couples samples; the others are block diagonal.";
  for (const char* name : {"batch", "layer", "group"}) {
    HeatMap& block = jacobian.add(HeatMap{.title = name,
                                          .link = {},
                                          .x = "input",
                                          .y = "output",
                                          .columns = {},
                                          .rows = {},
                                          .width = 48,
                                          .values = {},
                                          .diverging = true});
    for (int i = 0; i < 48 * 48; ++i) {
      const int r = i / 48, c = i % 48;
      block.values.push_back(r == c ? 0.9
                             : std::string(name) == "batch" || r / 8 == c / 8
                                 ? 0.4 * std::sin(r * 3.0) * std::sin(c * 3.0)
                                 : 0);
    }
  }
  Figure& spread = depth.figure("histogram", "Gradients of one layer");
  spread.see = "Without a norm the tail is heavy.";
  spread.x.label = "gradient";
  spread.y.label = "share of weights";
  Curve bins = sampled(21, -4, 4, [](double x) { return std::exp(-x * x / 2) / 2.5; });
  bins.y.pop_back();
  spread.steps("batch", bins);
  for (double& value : bins.y) value = 0.2 * value + 0.04;
  spread.steps("none", bins);

  Figure& scatter = depth.figure("precise", "Error against samples for the statistics");
  scatter.see = "A thousand samples suffice.";
  scatter.x = {.label = "samples", .log = true, .from = {}, .to = {}};
  scatter.y.label = "error, %";
  scatter.points("batch", with_band({10, 100, 1000, 10000}, {9, 4, 2.2, 2.1}, 0.1));
  scatter.points("batch renorm", with_band({12, 120, 1200, 12000}, {5, 3, 2.1, 2.1}, 0.1));
  scatter.points("noisy batch", with_band({9, 90, 900, 9000}, {7, 3.5, 2.9, 2.8}, 0.1));

  Figure& steps = depth.figure("steps", "Loss over 2,000 steps");
  steps.see = "Thinned to the resolution of the screen.";
  steps.x.label = "step";
  steps.y.label = "loss";
  Curve noisy = sampled(2000, 1, 60000, [](double x) {
    return 2.3 * std::exp(-x / 9000) + 0.05 + 0.02 * std::sin(x * x);
  });
  steps.line("train", with_band(noisy.x, noisy.y, 0.2));
  steps.line("test",
             sampled(12, 5000, 60000, [](double x) { return 2 * std::exp(-x / 8000) + 0.08; }));

  Figure& digits = depth.figure("digits", "What is left of the contrast");
  digits.see = "Instance norm removes it.";
  Pictures& row = digits.add(Pictures{.title = {}, .link = {}, .pictures = {}, .per_row = 6});
  for (int k = 0; k < 6; ++k) {
    Picture picture{.width = 28,
                    .height = 28,
                    .values = {},
                    .caption = "contrast " + number(0.2 * (k + 1)),
                    .diverging = k > 3};
    for (int i = 0; i < 784; ++i)
      picture.values.push_back(0.2 * (k + 1) * std::sin(i % 28 * 0.3) *
                                   std::sin((i - i % 28) / 28.0 * 0.3) -
                               (k > 3 ? 0.3 : 0));
    row.pictures.push_back(picture);
  }
  Figure& table = depth.figure("numbers", "In numbers");
  table.see = "Rates per layer.";
  table.add(
      Table{.title = {},
            .link = {},
            .columns = {"norm", "rate", "low", "high", "error at 64", "error at 4", "seconds"},
            .rows = {{{"batch"}, {"1.213"}, {"1.208"}, {"1.219"}, {"2.1"}, {"4.6"}, {"12.3"}},
                     {{"none"}, {"0.92"}, {"0.91"}, {"0.93"}, {"3.3"}, {"3.4"}, {"10"}}}});
  return page;
}

}  // namespace gradus::report
