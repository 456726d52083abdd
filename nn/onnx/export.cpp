#include <algorithm>
#include <set>

#include "../../core/base/error.h"
#include "../../core/io/safetensors.h"
#include "../training_mode.h"
#include "onnx.h"
#include "translate.h"

namespace gradus::nn {

using namespace onnx;

namespace {

/// Another input like the example, with more samples if a dimension counts them: other numbers at
/// other places show what a trace computes of its input without the tape, other sizes what grows
/// with the batch.
Tensor other_input(const Tensor& example, std::optional<int64_t> batch_dim) {
  const NoGrad pause;
  Tensor more = example;
  if (batch_dim) {
    const int64_t samples = example.size(*batch_dim);
    more = index_select(example, *batch_dim,
                        remainder(arange(samples + more_samples), static_cast<double>(samples)));
  }
  Tensor moved = flip(flatten(more), {0}).reshape(more.shape());
  if (!is_floating(example.dtype())) return moved;
  Rng noise(1);
  return moved * 0.75 + rand(more.shape(), noise, -0.5, 0.5).to(example.dtype());
}

ValueInfo described(const std::string& name, const Value& value) {
  ValueInfo info{name, file_type(value.dtype), {}};
  for (const TracedSize& size : value.shape) {
    const std::string batch =
        size == TracedSize{0, 1} ? "batch" : str(size.per_sample, "*batch+", size.fixed);
    if (size.per_sample == 0) {
      info.shape.emplace_back(size.fixed);
    } else {
      info.shape.emplace_back(batch);
    }
  }
  return info;
}

/// One number for all, or a row of numbers for channels in dimension 1.
Tensor by_channel(const std::vector<double>& numbers, const Shape& input) {
  const auto n = static_cast<int64_t>(numbers.size());
  require<ShapeError>(n == 1 || (input.dim() > 1 && n == input[1]), "save_onnx",
                      "give one number for all, or one for each channel", "a normalization of ", n,
                      " channels for the input ", input);
  if (n == 1) return tensor(numbers, {});
  Shape shape = Shape::filled(input.dim() - 1, 1);
  shape[0] = n;
  return tensor(numbers, shape);
}

/// Adds the nodes that make the net's input of pixels.
std::string add_normalization(Model& model, const std::string& pixels, const Shape& input,
                              const PixelNormalization& how) {
  const NoGrad pause;
  const Tensor mean = by_channel(how.mean, input), deviation = by_channel(how.std, input);
  for (const double number : how.std) {
    require(number > 0, "save_onnx", "give what the training data were divided by",
            "the standard deviation of pixels must be positive, got ", number);
  }
  const auto add = [&](const std::string& op_type, Names inputs, Attributes attributes) {
    std::string name = "normalization." + op_type;
    model.nodes.push_back({op_type, name, std::move(inputs), {name}, std::move(attributes)});
    return name;
  };
  const auto constant = [&](const std::string& name, const Tensor& value) {
    std::string own = "normalization." + name;
    model.nodes.push_back(
        {"Constant", own, {}, {own}, {{"value", value.to(float32).contiguous()}}});
    return own;
  };
  const std::string numbers = add("Cast", {pixels}, {{"to", code_of(float32)}});
  const std::string scaled =
      add("Mul", {numbers, constant("factor", reciprocal(deviation * 255.0))}, {});
  return add("Sub", {scaled, constant("shift", mean / deviation)}, {});
}

/// Gives the value `from` the name of the output.
void name_output(Model& model, const std::string& from, const std::string& name) {
  const bool computed = std::any_of(model.nodes.begin(), model.nodes.end(), [&](const Node& node) {
    return node.outputs[0] == from && node.op_type != "Constant";
  });
  if (!computed) {  // the net's input itself, or a parameter
    model.nodes.push_back({"Identity", name, {from}, {name}});
    return;
  }
  for (Node& node : model.nodes) {
    std::replace(node.inputs.begin(), node.inputs.end(), from, name);
    std::replace(node.outputs.begin(), node.outputs.end(), from, name);
  }
}

/// Drops what no output depends on: rules may have tried another way first.
void prune(Model& model) {
  std::set<std::string> used;
  for (const ValueInfo& output : model.outputs) used.insert(output.name);
  std::vector<Node> kept;
  for (auto node = model.nodes.rbegin(); node != model.nodes.rend(); ++node) {
    const bool is_used = std::any_of(node->outputs.begin(), node->outputs.end(),
                                     [&](const std::string& name) { return used.contains(name); });
    if (!is_used) continue;
    used.insert(node->inputs.begin(), node->inputs.end());
    kept.push_back(std::move(*node));
  }
  std::reverse(kept.begin(), kept.end());
  model.nodes = std::move(kept);
  std::erase_if(model.initializers,
                [&](const NamedTensor& tensor) { return !used.contains(tensor.name); });
}

}  // namespace

void save_onnx(const std::filesystem::path& path, Module& net, const Tensor& example_input,
               const OnnxOptions& options) {
  const ModeScope evaluating(net, Mode::evaluation);
  const auto dim = options.batch_dim;
  require<ShapeError>(!dim || example_input.dim() > 0, "save_onnx",
                      "give a batch as the example, or set batch_dim to nothing", "the example ",
                      example_input.shape(), " has no batch dimension");
  const int64_t batch_dim = dim ? normalize_dim("save_onnx", *dim, example_input.shape()) : 0;
  const Trace one(net, example_input);
  const Trace other(net, other_input(example_input, dim ? std::optional(batch_dim) : dim));
  Model model{.metadata = options.metadata};
  Value input{options.input_name, {}, example_input.dtype(), {}};
  for (int d = 0; d < example_input.dim(); ++d) {
    const bool counts = dim && d == batch_dim;
    input.shape.push_back(counts ? TracedSize{0, 1} : TracedSize{example_input.size(d), 0});
  }
  model.inputs = {described(options.input_name, input)};
  if (options.normalization) {
    model.inputs[0].dtype = uint8;
    input.name =
        add_normalization(model, options.input_name, example_input.shape(), *options.normalization);
  }
  const Value output = Translation(net, one, other, batch_dim).run(model, input);
  name_output(model, output.name, options.output_name);
  model.outputs = {described(options.output_name, output)};
  prune(model);
  write_file_atomically(path, to_bytes(model));
}

}  // namespace gradus::nn
