// What follows from the definitions: shapes, sets, means and variances, what a norm does not see,
// and the defaults of the layers. Nothing here is random in its outcome.
#include <gradus/core/ops.h>
#include <gradus/nn/norm.h>

#include <cmath>

#include "../experiment.h"
#include "../microscope.h"

namespace gradus::lab {

namespace definitions_parts {

const Shape shape = {6, 4, 3, 3};

Tensor random(const Shape& of, uint64_t seed) {
  Rng rng(seed, Stream::general);
  return randn(of, rng, float64);
}

/// The largest change of f's output among elements that `mask` is not 0 at.
template <class Function>
double change(const Function& f, const Tensor& a, const Tensor& b, const Tensor& mask) {
  return max(abs((f(a) - f(b)) * mask)).item();
}

/// How often two samples have the same order in each feature before and after, as a share.
double kept_order(const Tensor& x, const Tensor& y) {
  const Tensor a = x.reshape({6, 36}), b = y.reshape({6, 36});
  const Tensor before = a.unsqueeze(0) < a.unsqueeze(1), after = b.unsqueeze(0) < b.unsqueeze(1);
  return mean(to(before == after, float64)).item();
}

json of_norm(Norm norm) {
  const Tensor x = random(shape, 1) * 2.0 + 1.0;
  const auto f = [&](const Tensor& input) { return normalized(input, norm, 1e-12, 2); };
  const Sets sets{norm, shape};
  const Tensor rows = sets.rows(f(x));
  const Tensor gamma = square(random({1, 4, 1, 1}, 2)) + 0.5, beta = random({1, 4, 1, 1}, 3);
  const Tensor y = f(x) * gamma + beta, dims_mean = mean(y, {0, 2, 3}, true);
  // A change of the last sample, and of the last channel: do the others notice?
  const Tensor all = ones(shape, float64);
  const auto without_last = [&](int64_t dim) {
    Tensor mask = all.clone();
    mask.narrow(dim, shape[static_cast<int>(dim)] - 1, 1).fill_(0);
    return mask;
  };
  const Tensor other_samples = without_last(0), other_channels = without_last(1);
  const Tensor far = x * x + 2.0;
  const auto replaced = [&](const Tensor& mask) { return x * mask + far * (all - mask); };
  const Tensor per_channel = square(random({1, 4, 1, 1}, 4)) + 0.5;
  const Tensor per_sample = square(random({6, 1, 1, 1}, 5)) + 0.5;
  const Tensor per_element = square(random({1, 4, 3, 3}, 6)) + 0.5;
  return {{"same_shape", f(x).shape() == x.shape() ? 1 : 0},
          {"mean_of_set", max(abs(mean(rows, {1}))).item()},
          {"variance_of_set", max(abs(var(rows, {1}, 0) - 1.0)).item()},
          {"mean_is_beta", max(abs(dims_mean - beta)).item()},
          {"deviation_is_gamma", max(abs(stddev(y, {0, 2, 3}, 0, true) - gamma)).item()},
          {"samples_touch", change(f, x, replaced(other_samples), other_samples)},
          {"channels_touch", change(f, x, replaced(other_channels), other_channels)},
          {"channel_scale", change(f, x, x * per_channel + beta, all)},
          {"sample_scale", change(f, x, x * per_sample + per_sample, all)},
          {"element_scale", change(f, x, x * per_element, all)},
          {"kept_order", kept_order(x, f(x))}};
}

/// Local response norm: x / (k + alpha mean of squares of neighbours)^beta.
json of_local_response() {
  const Tensor x = random(shape, 1);
  const Tensor y = local_response_norm(x, 3, 1, 0.75, 1);
  const Tensor far = x.clone();
  far.narrow(1, 3, 1).copy_(x.narrow(1, 3, 1) *
                            10.0);  // the last channel is no neighbour of the first
  const Tensor z = local_response_norm(far, 3, 1, 0.75, 1);
  return {{"mean_of_set", max(abs(mean(y, {0, 2, 3}))).item()},
          {"first_channel_notices", max(abs((y - z).narrow(1, 0, 1))).item()},
          {"neighbour_notices", max(abs((y - z).narrow(1, 2, 1))).item()},
          {"offset_notices", max(abs(local_response_norm(x + 1.0, 3, 1, 0.75, 1) - y)).item()},
          {"parameters", nn::LocalResponseNorm({.size = 3}).parameter_count()}};
}

/// BatchNorm2d(num_features, eps=1e-5, momentum=0.1, affine=True)
json of_defaults() {
  const nn::BatchNorm2dOptions options;
  nn::BatchNorm2d plain({.num_features = 4, .affine = false}), one({.num_features = 4});
  plain.to(float64);
  const Tensor x = random(shape, 1) * 2.0 + 1.0;
  const Tensor y = plain(x);
  const Tensor mean_of_x = mean(x, {0, 2, 3}), variance = var(x, {0, 2, 3}, 1);
  return {{"eps", options.eps},
          {"momentum", options.momentum.value_or(NAN)},
          {"parameters", one.parameter_count()},
          {"parameters_without_affine", plain.parameter_count()},
          {"without_affine", deviation(y, normalized(x, Norm::batch))},
          {"moved_mean", deviation(plain.running_mean, mean_of_x * 0.1)},
          {"moved_variance", deviation(plain.running_var, variance * 0.1 + 0.9)}};
}

void run(Lab& lab) {
  for (const Norm norm : set_norms) {
    lab.define({{"norm", name_of(norm)}}, [&] { return of_norm(norm); });
  }
  lab.define({{"norm", "local response"}}, of_local_response);
  lab.define({{"defaults", "BatchNorm2d"}}, of_defaults);
}

void draw(const Results& results, report::Section& section) {
  auto& figure = section.figure("definitions", "What changes the output of which norm");
  figure.see =
      "0 means that a norm does not see the change: batch norm no scale of a channel, layer, "
      "instance and group norm no scale of a sample.";
  figure.settings = "float64, [6, 4, 3, 3], eps 1e-12; the largest change of the normalized output";
  const std::vector<std::pair<const char*, const char*>> changes = {
      {"samples_touch", "another sample"},
      {"channels_touch", "another channel"},
      {"channel_scale", "scale and shift per channel"},
      {"sample_scale", "scale and shift per sample"},
      {"element_scale", "scale per position"}};
  report::HeatMap map{.y = "change of", .digits = 2};
  for (const Norm norm : set_norms) map.columns.emplace_back(name_of(norm));
  for (const auto& [name, text] : changes) {
    map.rows.emplace_back(text);
    for (const Norm norm : set_norms) {
      const double value = results.where({{"norm", name_of(norm)}}).mean(name).mean;
      map.values.push_back(value < 1e-9 ? 0 : value);
    }
  }
  figure.add(map);
}

}  // namespace definitions_parts

Experiment definitions() {
  return {.name = "definitions",
          .title = "What follows from the definitions",
          .paper = "docs/normalization.md",
          .smaller = "",
          .run = definitions_parts::run,
          .draw = definitions_parts::draw};
}

}  // namespace gradus::lab
