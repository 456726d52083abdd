// Layers, epoch by epoch, and the net, as sections of the report of a run.
#include <gradus/core/base/text.h>
#include <gradus/core/ops.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <map>
#include <numeric>

#include "net_graph.h"
#include "report_page.h"

namespace gradus::examples {

namespace {

using nlohmann::json;
using report::Curve;
using report::Figure;

constexpr size_t most_panels = 40;

/// A layer in a line of layers.jsonl; null if it is not there.
json layer_of(const json& line, const std::string& name) {
  for (const json& layer : line.value("layers", json::array())) {
    if (layer.value("name", "") == name) return layer;
  }
  return {};
}

/// A number deep inside; NaN if it is not there.
double number_at(const json& object, std::initializer_list<std::string> keys) {
  json at = object;
  for (const std::string& key : keys) {
    if (!at.is_object()) return missing;
    at = at.value(key, json());
  }
  return at.is_number() ? at.get<double>() : missing;
}

std::vector<json> layers_of(const json& line) {
  return line.value("layers", json::array()).get<std::vector<json>>();
}

std::string full_name(const json& layer, const std::string& own) {
  return training::LayerLog::joined(layer.value("name", ""), own);
}

/// The parameters that say most about a layer: its weights, or else the largest.
std::vector<std::string> main_parameters(const json& layer) {
  const json parameters = layer.value("parameters", json::object());
  std::vector<std::string> weights;
  std::string largest;
  for (const auto& [name, parameter] : parameters.items()) {
    if (name.starts_with("weight")) weights.push_back(name);
    if (largest.empty() ||
        number_at(parameter, {"numel"}) > number_at(parameters.at(largest), {"numel"})) {
      largest = name;
    }
  }
  if (weights.empty() && !largest.empty()) weights.push_back(largest);
  return weights;
}

bool is_activation(const json& layer) {
  const std::string type = layer.value("type", "");
  constexpr std::array<std::string_view, 9> parts = {
      "LU", "anh", "igmoid", "Softplus", "Softsign", "Swish", "Mish", "Hard", "Threshold"};
  const auto is_part = [&](std::string_view part) { return type.find(part) != std::string::npos; };
  return std::ranges::any_of(parts, is_part) && layer.contains("output");
}

/// What a layer's input comes from: the last layer before it that has parameters.
std::string source_of(const std::vector<json>& layers, size_t index) {
  for (size_t i = index; i-- > 0;) {
    if (layers[i].contains("parameters")) return layers[i].value("name", "");
  }
  return {};
}

/// The layers whose units may die: activations or, in a net whose activations are functions, all
/// that have outputs.
std::vector<size_t> layers_with_units(const std::vector<json>& layers) {
  std::vector<size_t> activations, all;
  for (size_t i = 0; i < layers.size(); ++i) {
    if (std::isnan(number_at(layers[i], {"output", "units"}))) continue;
    const bool follows_weights = layers[i].contains("parameters") || !source_of(layers, i).empty();
    if (follows_weights) all.push_back(i);  // what comes before only passes the input on
    if (is_activation(layers[i])) activations.push_back(i);
  }
  return activations.empty() ? all : activations;
}

void add_dead_units(report::Section& section, const RunFiles& run) {
  const std::vector<json> layers = layers_of(run.layers.back());
  const std::vector<size_t> chosen = layers_with_units(layers);
  if (chosen.empty()) return;
  Figure& figure = section.figure("dead-units", "Dead units");
  figure.see =
      dead_units_text(run) +
      " A unit (a channel or feature) is dead if its output is the same for each of 128 "
      "training images, at every place: of a ReLU, always 0. It tells the next layer "
      "nothing, and no gradient passes it. Biases far below zero make units dead, and so do "
      "steps that are too large; smaller learning rates, norms and LeakyReLU help. About "
      "half zeros are usual for ReLU.";
  report::HeatMap map{.title = "Dead units, %", .x = "after epoch", .digits = 3};
  const auto epoch = run.layers.back().value("epoch", int64_t{0});
  report::Table table{.title = epoch == 0 ? "Before training" : str("After epoch ", epoch),
                      .columns = {"layer", "fed by", "units", "dead", "zeros, %"}};
  for (const json& line : run.layers) {
    map.columns.push_back(str(line.value("epoch", int64_t{0})));
  }
  for (const size_t i : chosen) {
    const json& layer = layers[i];
    const std::string name = layer.value("name", "");
    map.rows.push_back(name);
    for (const json& line : run.layers) {
      const json then = layer_of(line, name);
      map.values.push_back(100 * number_at(then, {"output", "dead"}) /
                           number_at(then, {"output", "units"}));
    }
    const double dead = number_at(layer, {"output", "dead"});
    table.rows.push_back(
        {{name},
         {source_of(layers, i)},
         {report::number(number_at(layer, {"output", "units"}))},
         {report::number(dead), dead > 0 ? report::Tone::bad : report::Tone::plain},
         {report::number(100 * number_at(layer, {"output", "zeros"}))}});
  }
  if (run.layers.size() > 1) figure.add(std::move(map));
  figure.add(std::move(table));
}

/// A panel per parameter, over epochs.
void add_sizes(report::Section& section, const RunFiles& run) {
  if (run.layers.size() < 2) return;
  Figure& figure = section.figure("sizes", "Weights, gradients and updates");
  figure.see =
      "Euclidean norms, on one scale for all layers. Gradients and updates are those of the last "
      "step of each epoch; where gradients shrink from layer to layer, the first ones learn "
      "slowly.";
  figure.x.label = "epoch";
  figure.y = {.label = "norm", .log = true};
  for (const json& layer : layers_of(run.layers.back())) {
    for (const std::string& own : main_parameters(layer)) {
      if (figure.panels.size() == most_panels) return;
      report::Chart& chart = figure.chart(full_name(layer, own));
      for (const auto& [name, key] :
           {std::pair("weights", "norm"), std::pair("gradients", "gradient_norm"),
            std::pair("updates", "update_norm")}) {
        Curve curve;
        for (const json& line : run.layers) {
          curve.x.push_back(number_at(line, {"epoch"}));
          curve.y.push_back(
              number_at(layer_of(line, layer.value("name", "")), {"parameters", own, key}));
        }
        chart.line(name, std::move(curve));
      }
    }
  }
}

void add_ratios(report::Section& section, const RunFiles& run) {
  if (run.layers.size() < 2) return;
  Figure& figure = section.figure("ratios", "Updates compared with weights");
  figure.see =
      "How much of a parameter the last step of an epoch changed. While a net learns, about 10⁻³ "
      "is "
      "usual; far less hardly learns, far more forgets. Where a schedule lets the learning rate go "
      "to 0, so do the updates.";
  report::HeatMap map{.title = "Norm of the update / norm of the parameter",
                      .x = "after epoch",
                      .log = true,
                      .digits = 2};
  for (size_t e = 1; e < run.layers.size(); ++e) {
    map.columns.push_back(str(run.layers[e].value("epoch", int64_t{0})));
  }
  for (const json& layer : layers_of(run.layers.back())) {
    for (const std::string& own : main_parameters(layer)) {
      if (map.rows.size() == most_panels) continue;
      map.rows.push_back(full_name(layer, own));
      for (size_t e = 1; e < run.layers.size(); ++e) {
        map.values.push_back(number_at(layer_of(run.layers[e], layer.value("name", "")),
                                       {"parameters", own, "update_ratio"}));
      }
    }
  }
  figure.add(std::move(map));
}

/// The distribution of a parameter or of outputs, as shares per unit of x, so that different ranges
/// can be compared. Zeros of outputs, if there are many, are left out. Nothing if there is nothing
/// to see: a single value.
std::optional<Curve> histogram_of(const json& values) {
  const json histogram = values.value("histogram", json());
  const double low = number_at(histogram, {"low"}), high = number_at(histogram, {"high"});
  if (!(high > low)) return {};
  auto counts = histogram.at("counts").get<std::vector<double>>();
  double total = 0;
  for (const double count : counts) total += count;
  const double zeros = number_at(values, {"zeros"});
  if (low == 0 && zeros > 0) counts[0] = std::max(0.0, counts[0] - std::round(zeros * total));
  if (std::ranges::count_if(counts, [](double count) { return count > 0; }) < 2) return {};
  const double width = (high - low) / static_cast<double>(counts.size());
  if (low == 0 && zeros > 0) {  // a long tail would leave no room for the rest
    double left = 0.01 * std::accumulate(counts.begin(), counts.end(), 0.0);
    while (counts.size() > 2 && (left -= counts.back()) > 0) counts.pop_back();
  }
  Curve curve;
  for (size_t i = 0; i <= counts.size(); ++i) {
    curve.x.push_back(low + width * static_cast<double>(i));
    if (i < counts.size()) curve.y.push_back(total > 0 ? counts[i] / total / width : missing);
  }
  return curve;
}

/// A panel: how some values are distributed at first and now. `part_of` finds them in a layer.
void add_histogram(Figure& figure, const RunFiles& run, const std::string& layer,
                   const std::string& title, const report::Axis& x, const report::Axis& y,
                   const std::function<json(const json&)>& part_of) {
  const json &first = run.layers.front(), &last = run.layers.back();
  const auto curve_of = [&](const json& line) {
    const json part = part_of(layer_of(line, layer));
    return part.is_object() ? histogram_of(part) : std::nullopt;
  };
  const auto name = [](const json& line) { return str("epoch ", line.value("epoch", int64_t{0})); };
  const auto now = curve_of(last);
  if (!now || figure.panels.size() == most_panels) return;
  report::Chart& chart = figure.chart(title, x, y);
  const auto then = run.layers.size() > 1 ? curve_of(first) : std::nullopt;
  if (then) chart.steps(name(first), *then);
  chart.steps(name(last), *now);
}

void add_distributions(report::Section& section, const RunFiles& run) {
  Figure weights{.id = "weights", .title = "Distributions of weights"};
  weights.see = "How the values of each parameter spread, at the beginning and now.";
  Figure outputs{.id = "activations", .title = "Distributions of activations"};
  outputs.see =
      "Outputs of the activations for the same images, in evaluation mode, at the beginning and "
      "now. "
      "Zeros of ReLU are not drawn, their share now is in the title; nor is the largest hundredth.";
  for (const json& layer : layers_of(run.layers.back())) {
    const std::string name = layer.value("name", "");
    const json parameters = layer.value("parameters", json::object());
    for (const auto& item : parameters.items()) {
      add_histogram(weights, run, name, full_name(layer, item.key()), {.label = "value"},
                    {.label = "density", .from = 0}, [own = item.key()](const json& then) {
                      if (!then.is_object()) return json();
                      return then.value("parameters", json::object()).value(own, json());
                    });
    }
    if (!is_activation(layer)) continue;
    const double zeros = 100 * number_at(layer, {"output", "zeros"});
    add_histogram(outputs, run, name,
                  str(name, zeros > 0 ? str(", ", report::number(zeros), " % zeros") : ""),
                  {.label = "output"}, {.label = "density", .log = true}, [](const json& then) {
                    return then.is_object() ? then.value("output", json()) : json();
                  });
  }
  for (Figure& figure : {std::ref(weights), std::ref(outputs)}) {
    if (!figure.panels.empty()) section.figures.push_back(std::move(figure));
  }
}

void add_running_statistics(report::Section& section, const RunFiles& run) {
  Figure& figure = section.figure("running", "Running statistics of norms");
  figure.see = "What norms use in evaluation mode: the mean, least and largest of all channels.";
  figure.x.label = "epoch";
  for (const json& layer : layers_of(run.layers.back())) {
    for (const auto& [name, label] : {std::pair("running_mean", "running mean"),
                                      std::pair("running_var", "running variance")}) {
      if (!layer.value("buffers", json::object()).contains(name)) continue;
      if (figure.panels.size() == most_panels) return;
      report::Chart& chart = figure.chart(full_name(layer, name), {}, {.label = label});
      for (const char* const what : {"max", "mean", "min"}) {
        Curve curve;
        for (const json& line : run.layers) {
          curve.x.push_back(number_at(line, {"epoch"}));
          curve.y.push_back(
              number_at(layer_of(line, layer.value("name", "")), {"buffers", name, what}));
        }
        chart.line(what, std::move(curve));
      }
    }
  }
  if (figure.panels.empty()) section.figures.pop_back();
}

// --- The net -------------------------------------------------------------------------------------

/// Dead units of an activation.
report::Cell dead_cell(const json& layer) {
  const double dead = number_at(layer, {"output", "dead"});
  if (!is_activation(layer) || std::isnan(dead)) return {"–"};
  return {report::number(dead), dead > 0 ? report::Tone::bad : report::Tone::plain};
}

void add_table(report::Section& section, const RunFiles& run) {
  Figure& figure = section.figure("layers-table", "Layers");
  const std::vector<json> layers =
      run.layers.empty() ? std::vector<json>() : layers_of(run.layers.back());
  figure.see = str(layers.size(), " layers, ",
                   report::number(static_cast<double>(run.net->parameter_count())), " parameters.");
  auto& table =
      figure.add(report::Table{.columns = {"layer", "type", "options", "output", "parameters"}});
  for (const json& layer : layers) {
    double parameters = 0;
    const json own = layer.value("parameters", json::object());
    for (const auto& [name, parameter] : own.items()) {
      parameters += number_at(parameter, {"numel"});
    }
    std::string options;
    for (const auto& [path, module] : run.net->named_modules()) {
      if (path == layer.value("name", "")) options = nn::options_text(*module);
    }
    std::string shape;
    for (const json& size : layer.value("output", json::object()).value("shape", json::array())) {
      shape += str(shape.empty() ? "" : " × ", size.dump());
    }
    table.rows.push_back({{layer.value("name", "")},
                          {layer.value("type", "")},
                          {options},
                          {shape},
                          {parameters > 0 ? report::number(parameters) : "–"},
                          dead_cell(layer)});
  }
}

/// How the layers are connected, if Graphviz can draw it.
void add_graph(report::Section& section, const RunFiles& run) {
  const json input = run.layers.empty() ? json() : run.layers.back().value("input", json());
  if (!input.is_array()) return;
  Figure figure{.id = "graph", .title = "The net as a graph"};
  try {
    figure.add(
        report::Graphic{.svg = net_picture(*run.net, Shape(input.get<std::vector<int64_t>>()))});
    figure.see =
        "What each layer gets when the net is evaluated (so without dropout), and the size of what "
        "it gives for one image.";
  } catch (const Error& error) {
    figure.see = str("It could not be drawn: ", error.what());
  }
  section.figures.push_back(std::move(figure));
}

/// Filters of the first convolution, or the rows of the first linear layer as images.
void add_filters(report::Section& section, const RunFiles& run) {
  constexpr int64_t most = 64;
  for (const NamedTensor& parameter : run.net->named_parameters()) {
    const Tensor& w = parameter.tensor;
    if (w.dim() < 2) continue;
    const json input = run.layers.empty() ? json() : run.layers.back().value("input", json());
    const auto sides = input.is_array() && input.size() == 3 ? input.get<std::vector<int64_t>>()
                                                             : std::vector<int64_t>();
    Tensor filters;  // [count, height, width]
    if (w.dim() == 4) {
      filters = w.detach().reshape({w.size(0) * w.size(1), w.size(2), w.size(3)});
    } else if (w.dim() == 2 && !sides.empty() && w.size(1) == sides[0] * sides[1] * sides[2]) {
      filters = w.detach().reshape({w.size(0) * sides[0], sides[1], sides[2]});
    }
    if (!filters.defined()) return;
    const int64_t count = std::min(most, filters.size(0));
    Figure& figure = section.figure("filters", str("Filters of `", parameter.name, "`"));
    figure.see =
        str("What the first layer looks for, ",
            count < filters.size(0) ? str("the first ", count, " of ", filters.size(0))
                                    : str("all ", count),
            ": blue where bright pixels count for it, orange where they count against it.");
    auto& panel = figure.add(report::Pictures{});
    for (int64_t i = 0; i < count; ++i) {
      const auto values = to(filters[i], float64).contiguous().to_vector<double>();
      panel.pictures.push_back({.width = filters.size(2),
                                .height = filters.size(1),
                                .values = values,
                                .caption = str(i + 1),
                                .diverging = true});
    }
    return;
  }
}

}  // namespace

std::string dead_units_text(const RunFiles& run) {
  if (run.layers.empty()) return {};
  const std::vector<json> layers = layers_of(run.layers.back());
  const std::vector<size_t> chosen = layers_with_units(layers);
  if (chosen.empty()) return {};
  std::string text;
  for (const size_t i : chosen) {
    const double dead = number_at(layers[i], {"output", "dead"});
    if (!(dead > 0)) continue;
    const std::string name = layers[i].value("name", ""), source = source_of(layers, i);
    const double before =
        number_at(layer_of(run.layers.front(), name), {"output", "dead"});  // training
    text += str(text.empty() ? "**Dead units**: " : "; ", report::number(dead), " of ",
                report::number(number_at(layers[i], {"output", "units"})), " in `", name, "`",
                source.empty() ? "" : str(", which `", source, "` feeds"));
    if (run.layers.size() > 1) {
      text += before > 0 ? str(" (", report::number(before), " before training)")
                         : " (none before training)";
    }
  }
  return text.empty() ? "No unit is dead." : text + ".";
}

void add_layers(report::Page& page, const RunFiles& run) {
  if (run.layers.empty()) return;
  report::Section& section = page.section("layers", "Inside the net");
  add_dead_units(section, run);
  add_sizes(section, run);
  add_ratios(section, run);
  add_distributions(section, run);
  add_running_statistics(section, run);
}

void add_net(report::Page& page, const RunFiles& run) {
  if (!run.net) return;
  report::Section& section = page.section("net", "The net");
  add_table(section, run);
  add_graph(section, run);
  add_filters(section, run);
}

}  // namespace gradus::examples
