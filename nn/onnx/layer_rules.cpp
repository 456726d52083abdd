#include <algorithm>
#include <cmath>

#include "../../core/base/name.h"
#include "translate.h"

namespace gradus::onnx {

namespace {

/// A number per channel, or `otherwise` for each if there is none.
std::string per_channel(const Operation& c, const Value& given, int64_t channels,
                        double otherwise) {
  return given.name.empty() ? c.filled(channels, otherwise) : given.name;
}

int64_t channels_of(const Value& x) {
  return x.shape[1].fixed;
}

// --- Products ---

std::string linear(const Operation& c) {
  const Value x = c.in(0), weight = c.in(1), bias = c.in(2);
  if (x.dims() == 2) {
    Names inputs = {x.name, weight.name};
    if (!bias.name.empty()) inputs.push_back(bias.name);
    return c.node("Gemm", inputs, {{"transB", 1}});
  }
  const std::string transposed =
      c.node("Transpose", {weight.name}, {{"perm", std::vector<int64_t>{1, 0}}});
  const std::string y = c.node("MatMul", {x.name, transposed});
  return bias.name.empty() ? y : c.node("Add", {y, bias.name});
}

std::string matmul(const Operation& c) {
  return c.node("MatMul", {c.broadcast(0).name, c.broadcast(1).name});
}

// --- Convolutions ---

Attributes window_attributes(const Operation& c, size_t n) {
  std::vector<int64_t> pads = c.integers("padding", n);
  pads.insert(pads.end(), pads.begin(), pads.begin() + static_cast<std::ptrdiff_t>(n));
  return {{"strides", c.integers("stride", n)},
          {"pads", pads},
          {"dilations", c.integers("dilation", n)}};
}

/// A transposed convolution adds to the end of its output by taking off less of what it computed,
/// and by zeros after that: runtimes do not agree on output_padding. Returns the zeros.
std::vector<int64_t> take_output_padding(const Operation& c, Attributes& attributes, size_t n) {
  std::vector<int64_t> added = c.integers("output_padding", n);
  auto& pads = std::get<std::vector<int64_t>>(attributes["pads"]);
  for (size_t i = 0; i < n; ++i) {
    const int64_t kept = std::min(pads[n + i], added[i]);
    pads[n + i] -= kept;
    added[i] -= kept;
  }
  return added;
}

std::string convolution(const Operation& c, const char* op_type, const Value& x,
                        const Value& weight, const Value& bias) {
  const size_t n = weight.dims() - 2;
  Attributes attributes = window_attributes(c, n);
  attributes.emplace("group", c.integer("groups"));
  std::vector<int64_t> kernel;
  for (size_t i = 2; i < weight.dims(); ++i) kernel.push_back(weight.shape[i].fixed);
  attributes.emplace("kernel_shape", kernel);
  std::vector<int64_t> zeros(n);
  if (c.has("output_padding")) zeros = take_output_padding(c, attributes, n);
  const bool extends = zeros != std::vector<int64_t>(n);
  Names inputs = {x.name, weight.name};
  if (!bias.name.empty() && !extends) inputs.push_back(bias.name);
  std::string y = c.node(op_type, inputs, attributes);
  if (extends) {
    std::vector<int64_t> pads(n + 4);
    pads.insert(pads.end(), zeros.begin(), zeros.end());
    y = c.node("Pad", {y, c.list(pads)});
    TracedShape per_channel(n + 1, {1, 0});
    if (!bias.name.empty()) {
      per_channel[0] = bias.shape[0];
      y = c.node("Add", {y, c.reshape(bias.name, per_channel)});
    }
  }
  return c.has("relu") ? c.node("Relu", {y}) : y;
}

std::string conv2d(const Operation& c) {
  return convolution(c, "Conv", c.in(0), c.in(1), c.in(2));
}

/// A convolution that the tape composes of others. One without a batch stays composed.
template <Name op_type, size_t n>
std::string composed_convolution(const Operation& c) {
  const Operation::Outside outside = c.outside();
  const Value weight = outside.constant_with(n + 2);
  if (outside.dynamic.size() != 1 || outside.dynamic[0].dims() != n + 2 || weight.name.empty()) {
    return "";
  }
  return convolution(c, op_type.text, outside.dynamic[0], weight, outside.constant_with(1));
}

// --- Pools ---

/// A window that would start in the padding at the end does not count, in PyTorch as in Gradus. In
/// ONNX it does, before opset 22: where there is one, padding at the end that leaves no room for it
/// takes the place of ceil_mode.
void drop_last_windows(const Operation& c, const Value& x, const std::vector<int64_t>& kernel,
                       Attributes& attributes) {
  const size_t n = kernel.size(), lead = x.dims() - n;
  const auto strides = std::get<std::vector<int64_t>>(attributes["strides"]);
  const TracedShape shape = c.output_shape();
  auto pads = std::get<std::vector<int64_t>>(attributes["pads"]);
  bool drops = false;
  for (size_t i = 0; i < n; ++i) {
    const int64_t in = x.shape[lead + i].fixed, out = shape[lead + i].fixed;
    const int64_t reach = c.integers("dilation", n)[i] * (kernel[i] - 1) + 1;
    const int64_t room = in + 2 * pads[i] - reach;
    drops = drops || (room + strides[i] - 1) / strides[i] + 1 != out;
    pads[n + i] = std::max<int64_t>((out - 1) * strides[i] + reach - in - pads[i], 0);
  }
  if (!drops) return;
  attributes["pads"] = pads;
  attributes["ceil_mode"] = int64_t{0};
}

template <Name op_type, size_t n>
std::string pool(const Operation& c) {
  const Value x = c.in(0);
  const std::vector<int64_t> kernel = c.integers("kernel_size", n);
  Attributes attributes = window_attributes(c, n);
  attributes.emplace("kernel_shape", kernel);
  attributes["strides"] = c.has("stride") ? c.integers("stride", n) : kernel;
  attributes.emplace("ceil_mode", c.integer("ceil_mode"));
  if (x.dims() != n + 2) return "";
  if (c.integer("ceil_mode") == 1) drop_last_windows(c, x, kernel, attributes);
  if (op_type == Name("MaxPool")) return c.node(op_type.text, {x.name}, attributes);
  const bool divides = c.has("divisor_override");
  if (divides && c.integer("ceil_mode") == 1) return "";  // windows of fewer elements at the end
  attributes.erase("dilations");                          // all 1, and unknown before opset 19
  attributes.emplace("count_include_pad", divides ? 1 : c.integer("count_include_pad"));
  std::string y = c.node(op_type.text, {x.name}, attributes);
  if (!divides) return y;
  double elements = 1;
  for (const int64_t size : kernel) elements *= static_cast<double>(size);
  return c.node("Mul", {y, c.scalar(elements / c.number("divisor_override"))});
}

/// Windows that depend on the output's size are rectangles, so that each axis can be done by
/// itself: the mean of all is the mean of means, and the same with the largest.
template <Name op_type, size_t n>
std::string adaptive_pool(const Operation& c) {
  const Value x = c.in(0);
  const TracedShape shape = c.output_shape();
  const size_t lead = x.dims() - n;
  const bool averages = op_type == Name("ReduceMean");
  const bool whole = std::all_of(shape.begin() + static_cast<std::ptrdiff_t>(lead), shape.end(),
                                 [](const TracedSize& size) { return size.fixed == 1; });
  if (whole && lead == 2) {
    return c.node(averages ? "GlobalAveragePool" : "GlobalMaxPool", {x.name});
  }
  std::string y = x.name;
  for (size_t d = lead; d < x.dims(); ++d) {
    const int64_t in = x.shape[d].fixed, out = shape[d].fixed;
    const auto axis = static_cast<int64_t>(d);
    Names parts;
    for (int64_t k = 0; k < out && in != out; ++k) {
      const int64_t begin = k * in / out, end = ((k + 1) * in + out - 1) / out;
      parts.push_back(c.reduce(op_type.text, c.slice(y, axis, begin, end), {axis}, true));
    }
    if (in != out) y = c.node("Concat", parts, {{"axis", axis}});
  }
  return y == x.name ? c.node("Identity", {y}) : y;
}

/// The root of a sum of powers, as an average of powers.
std::string lp_pool(const Operation& c) {
  const Operation::Outside outside = c.outside();
  if (outside.dynamic.size() != 1) return "";
  const Value x = outside.dynamic[0];
  const size_t n = c.op() == "lp_pool1d" ? 1 : 2;
  if (x.dims() != n + 2) return "";
  const std::vector<int64_t> kernel = c.integers("kernel_size", n);
  int64_t elements = 1;
  for (const int64_t size : kernel) elements *= size;
  const double p = c.number("norm_type");
  const std::string powers = c.node("Pow", {x.name, c.scalar(p)});
  const std::string means = c.node("AveragePool", {powers},
                                   {{"kernel_shape", kernel},
                                    {"strides", c.has("stride") ? c.integers("stride", n) : kernel},
                                    {"ceil_mode", c.integer("ceil_mode")}});
  const std::string sums = c.node("Mul", {means, c.scalar(static_cast<double>(elements))});
  return c.node("Pow", {sums, c.scalar(1 / p)});
}

// --- Normalization ---

Attributes epsilon(const Operation& c) {
  return {{"epsilon", static_cast<float>(c.number("eps"))}};
}

std::string batch_norm_eval(const Operation& c) {
  const Value x = c.in(0);
  const int64_t channels = channels_of(x);
  return c.node("BatchNormalization",
                {x.name, per_channel(c, c.in(1), channels, 1), per_channel(c, c.in(2), channels, 0),
                 c.saved(2).name, c.saved(3).name},
                epsilon(c));
}

/// Batch norm without running statistics, which normalizes with those of the batch in evaluation.
std::string batch_norm(const Operation& c) {
  const Value x = c.in(0), weight = c.in(1), bias = c.in(2);
  TracedShape affine(x.dims(), {1, 0});
  affine[1] = x.shape[1];
  std::vector<int64_t> axes = {0};
  for (size_t d = 2; d < x.dims(); ++d) axes.push_back(static_cast<int64_t>(d));
  const std::string centred = c.node("Sub", {x.name, c.reduce("ReduceMean", x.name, axes, true)});
  const std::string variance =
      c.reduce("ReduceMean", c.node("Mul", {centred, centred}), axes, true);
  const std::string deviation =
      c.node("Sqrt", {c.node("Add", {variance, c.scalar(c.number("eps"))})});
  std::string y = c.node("Div", {centred, deviation});
  if (!weight.name.empty()) y = c.node("Mul", {y, c.reshape(weight.name, affine)});
  return bias.name.empty() ? y : c.node("Add", {y, c.reshape(bias.name, affine)});
}

std::string instance_norm(const Operation& c) {
  const Value x = c.in(0);
  const int64_t channels = channels_of(x);
  return c.node(
      "InstanceNormalization",
      {x.name, per_channel(c, c.in(1), channels, 1), per_channel(c, c.in(2), channels, 0)},
      epsilon(c));
}

std::string group_norm(const Operation& c) {
  const Value x = c.in(0);
  const int64_t channels = channels_of(x);
  Attributes attributes = epsilon(c);
  attributes.emplace("num_groups", c.integer("num_groups"));
  return c.node(
      "GroupNormalization",
      {x.name, per_channel(c, c.in(1), channels, 1), per_channel(c, c.in(2), channels, 0)},
      attributes);
}

/// Layer norm, and root mean square norm.
template <Name op_type>
std::string norm_of_last(const Operation& c) {
  const std::vector<int64_t> shape = c.integers("normalized_shape");
  Value weight = c.in(1);
  if (weight.name.empty()) {
    const NoGrad pause;
    weight.name = c.constant(ones(Shape(std::span<const int64_t>(shape))), "ones");
  }
  Names inputs = {c.in(0).name, weight.name};
  const Value bias = c.in(2);
  if (!bias.name.empty()) inputs.push_back(bias.name);
  Attributes attributes = epsilon(c);
  attributes.emplace("axis", -static_cast<int64_t>(shape.size()));
  return c.node(op_type.text, inputs, attributes);
}

/// An even window leans the other way in ONNX: then the operation stays composed, and for anything
/// but images, which is all that ONNX Runtime takes.
std::string local_response_norm(const Operation& c) {
  const Operation::Outside outside = c.outside();
  if (outside.dynamic.size() != 1 || outside.dynamic[0].dims() != 4) return "";
  if (c.integer("size") % 2 == 0) return "";
  return c.node("LRN", {outside.dynamic[0].name},
                {{"size", c.integer("size")},
                 {"alpha", static_cast<float>(c.number("alpha"))},
                 {"beta", static_cast<float>(c.number("beta"))},
                 {"bias", static_cast<float>(c.number("k"))}});
}

// --- Others that the tape composes ---

std::string embedding(const Operation& c) {
  const Operation::Outside outside = c.outside();
  const Value weight = outside.constant_with(2);
  if (outside.dynamic.size() != 1 || weight.name.empty()) return "";
  return c.node("Gather", {weight.name, outside.dynamic[0].name}, {{"axis", 0}});
}

std::string prelu(const Operation& c) {
  const Operation::Outside outside = c.outside();
  const Value weight = outside.constant_with(1);
  if (outside.dynamic.size() != 1 || weight.name.empty()) return "";
  const Value x = outside.dynamic[0];
  TracedShape slope(x.dims() > 1 ? x.dims() - 1 : 1, {1, 0});
  slope[0] = weight.shape[0];
  return c.node("PRelu", {x.name, c.reshape(weight.name, slope)});
}

std::string threshold(const Operation& c) {
  const Operation::Outside outside = c.outside();
  if (outside.dynamic.size() != 1) return "";
  const std::string x = outside.dynamic[0].name;
  return c.node("Where", {c.node("Greater", {x, c.scalar(c.number("threshold"))}), x,
                          c.scalar(c.number("value"))});
}

std::string selu(const Operation& c) {
  const Operation::Outside outside = c.outside();
  return outside.dynamic.size() == 1 ? c.node("Selu", {outside.dynamic[0].name}) : "";
}

/// By whole factors, where both agree on which elements are near.
std::string upsample(const Operation& c) {
  const Operation::Outside outside = c.outside();
  if (outside.dynamic.size() != 1) return "";
  const Value x = outside.dynamic[0];
  const TracedShape shape = c.output_shape();
  const bool linear = c.text("mode") == "linear", corners = c.number("align_corners") == 1;
  std::vector<float> scales = {1, 1};
  for (size_t d = 2; d < x.dims(); ++d) {
    if (shape[d].fixed % x.shape[d].fixed != 0) return "";
    const int64_t factor = shape[d].fixed / x.shape[d].fixed;
    scales.push_back(static_cast<float>(factor));
  }
  const std::string factors =
      c.constant(tensor(scales, {static_cast<int64_t>(scales.size())}), "scales");
  Attributes attributes = {{"mode", linear ? "linear" : "nearest"},
                           {"coordinate_transformation_mode", !linear   ? "asymmetric"
                                                              : corners ? "align_corners"
                                                                        : "half_pixel"}};
  if (!linear) attributes.emplace("nearest_mode", "floor");
  return c.node("Resize", {x.name, "", factors}, attributes);
}

}  // namespace

std::span<const Rule> layer_rules() {
  static constexpr Rule rules[] = {
      {"linear", linear},
      {"matmul", matmul},
      {"conv2d", conv2d},
      {"max_pool1d", pool<"MaxPool", 1>},
      {"max_pool2d", pool<"MaxPool", 2>},
      {"max_pool3d", pool<"MaxPool", 3>},
      {"avg_pool1d", pool<"AveragePool", 1>},
      {"avg_pool2d", pool<"AveragePool", 2>},
      {"avg_pool3d", pool<"AveragePool", 3>},
      {"adaptive_avg_pool1d", adaptive_pool<"ReduceMean", 1>},
      {"adaptive_avg_pool2d", adaptive_pool<"ReduceMean", 2>},
      {"adaptive_avg_pool3d", adaptive_pool<"ReduceMean", 3>},
      {"adaptive_max_pool1d", adaptive_pool<"ReduceMax", 1>},
      {"adaptive_max_pool2d", adaptive_pool<"ReduceMax", 2>},
      {"adaptive_max_pool3d", adaptive_pool<"ReduceMax", 3>},
      {"batch_norm_eval", batch_norm_eval},
      {"batch_norm", batch_norm},
      {"instance_norm", instance_norm},
      {"group_norm", group_norm},
      {"layer_norm", norm_of_last<"LayerNormalization">},
      {"rms_norm", norm_of_last<"RMSNormalization">},
  };
  return rules;
}

std::span<const Rule> span_rules() {
  static constexpr Rule rules[] = {
      {"conv1d", composed_convolution<"Conv", 1>},
      {"conv3d", composed_convolution<"Conv", 3>},
      {"conv_transpose1d", composed_convolution<"ConvTranspose", 1>},
      {"conv_transpose2d", composed_convolution<"ConvTranspose", 2>},
      {"conv_transpose3d", composed_convolution<"ConvTranspose", 3>},
      {"lp_pool1d", lp_pool},
      {"lp_pool2d", lp_pool},
      {"local_response_norm", local_response_norm},
      {"embedding", embedding},
      {"prelu", prelu},
      {"threshold", threshold},
      {"selu", selu},
      {"upsample", upsample},
  };
  return rules;
}

}  // namespace gradus::onnx
