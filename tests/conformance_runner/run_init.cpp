// Distributions: of initializers, of fresh layers, and of dropout. Only statistics are compared,
// with bounds that a right implementation misses less than once in a million draws.
#include <algorithm>
#include <cmath>
#include <map>

#include "../../core/base/error.h"
#include "../../core/ops.h"
#include "../../nn/init.h"
#include "kinds.h"
#include "model.h"

namespace gradus::conformance {
namespace {

constexpr int64_t draws_wanted = 100'000;
constexpr double deviations = 6;  // of the mean and of the standard deviation

struct Statistics {
  double mean = 0, std = 0, least = 0, largest = 0;
  double count = 0;
};

Statistics statistics_of(const std::vector<double>& values) {
  Statistics s;
  s.count = static_cast<double>(values.size());
  s.least = *std::min_element(values.begin(), values.end());
  s.largest = *std::max_element(values.begin(), values.end());
  for (double v : values) s.mean += v / s.count;
  for (double v : values) s.std += (v - s.mean) * (v - s.mean) / s.count;
  s.std = std::sqrt(s.std);
  return s;
}

/// `expected` has `distribution` with bound, std or value.
void check_distribution(const std::string& what, const std::vector<double>& values,
                        const Json& expected, Checker& checker) {
  const std::string kind = expected.at("distribution");
  const Statistics s = statistics_of(values);
  if (kind == "constant") {
    const double value = expected.at("value");
    checker.expect(s.least == value && s.largest == value,
                   str(what, ": in [", s.least, ", ", s.largest, "], expected ", value));
    return;
  }
  double std = 0, kurtosis = 0;
  if (kind == "uniform") {
    const double bound = expected.at("bound");
    std = bound / std::sqrt(3.0);
    kurtosis = 1.8;
    const double reached = std::max(-s.least, s.largest);
    checker.expect(reached <= bound * (1 + 1e-6),
                   str(what, ": reaches ", reached, ", the bound is ", bound));
    checker.expect(reached >= bound * (1 - 30 / s.count),
                   str(what, ": reaches only ", reached, ", the bound is ", bound));
  } else if (kind == "normal") {
    std = expected.at("std");
    kurtosis = 3;
  } else {
    throw Unsupported("distribution '" + kind + "'");
  }
  // Standard errors of the mean, and of the standard deviation of a distribution of this kurtosis.
  const double mean_error = std / std::sqrt(s.count);
  const double std_error = std * std::sqrt((kurtosis - 1) / (4 * s.count));
  checker.expect(std::abs(s.mean) <= deviations * mean_error,
                 str(what, ": mean ", s.mean, ", expected 0"));
  checker.expect(std::abs(s.std - std) <= deviations * std_error,
                 str(what, ": standard deviation ", s.std, ", expected ", std));
}

using Initializer = void (*)(const Tensor& t, Options& options);

nn::KaimingOptions kaiming_options(Options& options) {
  constexpr Word<nn::FanMode> modes[] = {{"fan_in", nn::FanMode::fan_in},
                                         {"fan_out", nn::FanMode::fan_out}};
  constexpr Word<nn::Nonlinearity> words[] = {{"leaky_relu", nn::Nonlinearity::leaky_relu},
                                              {"linear", nn::Nonlinearity::linear},
                                              {"sigmoid", nn::Nonlinearity::sigmoid},
                                              {"tanh", nn::Nonlinearity::tanh},
                                              {"relu", nn::Nonlinearity::relu},
                                              {"selu", nn::Nonlinearity::selu}};
  return {.a = options.number("a", 0),
          .mode = options.choice("mode", modes),
          .nonlinearity = options.choice("nonlinearity", words)};
}

const std::map<std::string, Initializer>& initializers() {
  static const std::map<std::string, Initializer> table{
      {"kaiming_uniform_",
       [](const Tensor& t, Options& o) { nn::kaiming_uniform_(t, kaiming_options(o)); }},
      {"kaiming_normal_",
       [](const Tensor& t, Options& o) { nn::kaiming_normal_(t, kaiming_options(o)); }},
      {"xavier_uniform_",
       [](const Tensor& t, Options& o) { nn::xavier_uniform_(t, o.number("gain", 1)); }},
      {"xavier_normal_",
       [](const Tensor& t, Options& o) { nn::xavier_normal_(t, o.number("gain", 1)); }},
  };
  return table;
}

void append(std::vector<double>& values, const Tensor& t) {
  const auto more = t.detach().to(float64).to_vector<double>();
  values.insert(values.end(), more.begin(), more.end());
}

void check_initializer(const Case& item, Initializer initializer, Checker& checker) {
  const Shape shape = shape_from(item["shape"]);
  std::vector<double> values;
  while (static_cast<int64_t>(values.size()) < draws_wanted) {
    const Tensor t = zeros(shape);
    Options options(item["options"], {});
    initializer(t, options);
    options.check_all_read();
    append(values, t);
  }
  Json expected = {{"distribution", item["distribution"]}};
  for (const char* key : {"bound", "std", "value"}) {
    if (item.has(key)) expected[key] = item[key];
  }
  check_distribution("values", values, expected, checker);
}

/// Fresh layers are drawn until there are enough values of every parameter.
void check_fresh_layers(const Case& item, Checker& checker) {
  std::map<std::string, std::vector<double>> values;
  const Json& parameters = item["parameters"];
  const auto enough = [&] {
    return std::all_of(parameters.items().begin(), parameters.items().end(), [&](const auto& p) {
      const bool constant = p.value().at("distribution") == "constant";
      return static_cast<int64_t>(values[p.key()].size()) >= (constant ? 1 : draws_wanted);
    });
  };
  while (!enough()) {
    Model model(item);
    const NamedTensors state = model.module()->state_dict();
    for (const NamedTensor& p : state) {
      const Json expected = parameters.value(p.name, Json());
      if (expected.is_null()) return checker.fail("unexpected " + p.name);
      if (p.tensor.shape() != shape_from(expected.at("shape"))) {
        return checker.fail(str(p.name, " has shape ", p.tensor.shape()));
      }
      append(values[p.name], p.tensor);
    }
    if (state.size() != parameters.size()) {
      return checker.fail(
          str("there are ", state.size(), " tensors, expected ", parameters.size()));
    }
  }
  for (const auto& p : parameters.items()) {
    check_distribution(p.key(), values[p.key()], p.value(), checker);
  }
}

/// Dropout of ones: the share of zeros, and what the others became.
void check_dropout(const Case& item, Checker& checker) {
  Model model(item);
  model.set_training(item["mode"] != "eval");
  const Tensor y = model({ones(shape_from(item["shape"]))}).at(0);
  const auto values = y.to(float64).to_vector<double>();
  const double scale = item["nonzero_scale"];
  size_t zero_count = 0;
  for (double v : values) {
    if (v == 0) {
      ++zero_count;
    } else if (std::abs(v - scale) > 1e-6 * scale) {
      return checker.fail(str("an element became ", v, ", expected 0 or ", scale));
    }
  }
  const double fraction = static_cast<double>(zero_count) / static_cast<double>(values.size());
  const double expected = item["zero_fraction"], error = item["zero_fraction_std"];
  checker.expect(std::abs(fraction - expected) <= deviations * error,
                 str("the share of zeros is ", fraction, ", expected ", expected, " +- ", error));
  if (item["whole_channels"] == true) {
    const Tensor flat = flatten(y, 2);
    checker.expect(all_finite(y) && sum(abs(sub(flat, mean(flat, {2}, true)))).item() < 1e-3,
                   "a channel is dropped in part");
  }
}

}  // namespace

void run_init(const Case& item, Checker& checker) {
  if (item.has("zero_fraction")) return check_dropout(item, checker);
  if (item.has("parameters")) return check_fresh_layers(item, checker);
  const auto found = initializers().find(item["op"]);
  if (found == initializers().end()) throw Unsupported("initializer " + item["op"].dump());
  check_initializer(item, found->second, checker);
}

}  // namespace gradus::conformance
