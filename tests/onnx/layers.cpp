// Every type of layer in the table, from what the benchmarks run, and options that matter in a
// file.
#include "../../benchmarks/all_layers.h"
#include "../../core/ops.h"
#include "../../core/tape.h"
#include "../../nn/model_json.h"
#include "cases.h"

namespace gradus::onnx_test {

namespace {

Tensor indices(const Shape& shape) {
  return (rand(shape) * 9.99).to(int64);
}

/// Images no larger than a test needs.
Shape small(Shape shape, const std::string& type) {
  const bool is_image = shape.dim() > 3 && type != "LayerNorm" && type != "RMSNorm";
  for (int d = 2; is_image && d < shape.dim(); ++d) shape[d] = std::min<int64_t>(shape[d], 10);
  return shape;
}

/// In evaluation, with statistics and parameters that are not those it starts with.
std::shared_ptr<nn::Module> used(std::unique_ptr<nn::Module> layer, const Tensor& x) {
  {
    const NoGrad pause;
    for (auto& [name, tensor] : layer->named_parameters()) tensor.add_(randn(tensor.shape()), 0.1);
  }
  for (int i = 0; i < 3; ++i) (*layer)(x);
  layer->eval();
  return layer;
}

struct Options {
  const char *type, *options;
  Shape input;
};

const std::vector<Options>& more_options() {
  static const std::vector<Options> list = {
      // Convolutions
      {"Conv2d",
       R"({"in_channels":4,"out_channels":6,"kernel_size":[3,2],"stride":[2,1],"padding":[1,0],"dilation":[1,2],"groups":2})",
       {4, 4, 9, 8}},
      {"Conv2d",
       R"({"in_channels":3,"out_channels":4,"kernel_size":4,"padding":"same"})",
       {4, 3, 7, 7}},
      {"Conv2d",
       R"({"in_channels":3,"out_channels":4,"kernel_size":3,"padding":1,"padding_mode":"circular","bias":false})",
       {4, 3, 7, 7}},
      {"Conv2d",
       R"({"in_channels":3,"out_channels":4,"kernel_size":3,"padding":1,"padding_mode":"reflect"})",
       {4, 3, 7, 7}},
      {"Conv1d",
       R"({"in_channels":3,"out_channels":4,"kernel_size":3,"stride":2,"padding":1})",
       {4, 3, 11}},
      {"Conv3d",
       R"({"in_channels":2,"out_channels":4,"kernel_size":[2,3,3],"stride":[1,2,2],"padding":[0,1,1]})",
       {4, 2, 5, 7, 7}},
      {"ConvTranspose1d",
       R"({"in_channels":3,"out_channels":2,"kernel_size":4,"stride":2,"padding":1})",
       {4, 3, 6}},
      {"ConvTranspose2d",
       R"({"in_channels":4,"out_channels":6,"kernel_size":3,"stride":2,"padding":1,"output_padding":1,"groups":2})",
       {4, 4, 5, 5}},
      {"ConvTranspose3d",
       R"({"in_channels":3,"out_channels":2,"kernel_size":3,"stride":2,"bias":false})",
       {4, 3, 3, 4, 4}},
      // Pools
      {"MaxPool2d", R"({"kernel_size":3,"stride":2,"padding":1,"ceil_mode":true})", {4, 3, 8, 8}},
      {"MaxPool2d", R"({"kernel_size":2,"stride":1,"dilation":2})", {4, 3, 8, 8}},
      {"MaxPool1d", R"({"kernel_size":3,"stride":2,"ceil_mode":true})", {4, 3, 8}},
      {"AvgPool2d", R"({"kernel_size":3,"stride":2,"padding":1})", {4, 3, 8, 8}},
      {"AvgPool2d",
       R"({"kernel_size":3,"stride":2,"padding":1,"count_include_pad":false})",
       {4, 3, 8, 8}},
      {"AvgPool2d", R"({"kernel_size":3,"stride":2,"padding":1,"ceil_mode":true})", {4, 3, 8, 8}},
      {"AvgPool2d",
       R"({"kernel_size":3,"stride":2,"padding":1,"ceil_mode":true,"count_include_pad":false})",
       {4, 3, 8, 8}},
      {"AvgPool2d", R"({"kernel_size":2,"divisor_override":3})", {4, 3, 8, 8}},
      {"AvgPool2d", R"({"kernel_size":2,"stride":3,"padding":1,"ceil_mode":true})", {4, 3, 6, 8}},
      {"MaxPool2d", R"({"kernel_size":2,"stride":3,"padding":1,"ceil_mode":true})", {4, 3, 6, 8}},
      {"AvgPool2d", R"({"kernel_size":3,"stride":2,"padding":1,"ceil_mode":true})", {4, 3, 6, 7}},
      {"AvgPool3d", R"({"kernel_size":2,"ceil_mode":true})", {4, 3, 5, 5, 5}},
      {"AdaptiveAvgPool2d", R"({"output_size":[3,4]})", {4, 3, 7, 8}},
      {"AdaptiveAvgPool2d", R"({"output_size":[null,1]})", {4, 3, 7, 8}},
      {"AdaptiveMaxPool2d", R"({"output_size":3})", {4, 3, 7, 8}},
      {"AdaptiveMaxPool1d", R"({"output_size":3})", {4, 3, 7}},
      {"LPPool2d", R"({"norm_type":4,"kernel_size":2,"stride":1})", {4, 3, 6, 6}},
      // Norms
      {"BatchNorm2d", R"({"num_features":3,"affine":false})", {4, 3, 5, 5}},
      {"BatchNorm2d", R"({"num_features":3,"track_running_stats":false})", {4, 3, 5, 5}},
      {"BatchNorm1d", R"({"num_features":3,"eps":0.001})", {4, 3}},
      {"InstanceNorm2d", R"({"num_features":3,"affine":true})", {4, 3, 5, 5}},
      {"InstanceNorm2d",
       R"({"num_features":3,"affine":true,"track_running_stats":true})",
       {4, 3, 5, 5}},
      {"LayerNorm", R"({"normalized_shape":[5,6],"elementwise_affine":false})", {4, 3, 5, 6}},
      {"LayerNorm", R"({"normalized_shape":[5,6],"bias":false})", {4, 3, 5, 6}},
      {"LayerNorm", R"({"normalized_shape":[3,5,6]})", {4, 3, 5, 6}},
      {"GroupNorm", R"({"num_groups":3,"num_channels":6,"affine":false})", {4, 6, 5, 5}},
      {"GroupNorm", R"({"num_groups":1,"num_channels":6})", {4, 6}},
      {"RMSNorm", R"({"normalized_shape":[6],"elementwise_affine":false})", {4, 5, 6}},
      {"LocalResponseNorm", R"({"size":4,"alpha":0.3})", {4, 6, 5, 5}},
      {"LocalResponseNorm", R"({"size":3,"alpha":0.3,"beta":0.5,"k":2})", {4, 6, 5, 5}},
      // Recurrent
      {"LSTM", R"({"input_size":5,"hidden_size":4})", {6, 4, 5}},
      {"LSTM",
       R"({"input_size":5,"hidden_size":4,"num_layers":2,"bidirectional":true,"batch_first":true})",
       {4, 6, 5}},
      {"LSTM", R"({"input_size":5,"hidden_size":4,"bias":false,"batch_first":true})", {4, 6, 5}},
      {"GRU",
       R"({"input_size":5,"hidden_size":4,"num_layers":2,"bidirectional":true,"batch_first":true})",
       {4, 6, 5}},
      {"RNN",
       R"({"input_size":5,"hidden_size":4,"nonlinearity":"relu","batch_first":true})",
       {4, 6, 5}},
      // Others
      {"Linear", R"({"in_features":5,"out_features":4,"bias":false})", {4, 5}},
      {"Linear", R"({"in_features":5,"out_features":4})", {4, 3, 5}},
      {"Flatten", R"({"start_dim":0})", {4, 3, 5}},
      {"Flatten", R"({"start_dim":1,"end_dim":2})", {4, 3, 5, 2}},
      {"Upsample", R"({"scale_factor":2,"mode":"bilinear"})", {4, 3, 5, 5}},
      {"Upsample", R"({"scale_factor":2,"mode":"bilinear","align_corners":true})", {4, 3, 5, 5}},
      {"Upsample", R"({"size":[8,7]})", {4, 3, 5, 5}},
      {"Upsample", R"({"size":[8,7],"mode":"bilinear"})", {4, 3, 5, 5}},
      {"Softplus", R"({"beta":2,"threshold":1})", {4, 7}},
      {"GELU", R"({"approximate":"tanh"})", {4, 7}},
      {"LeakyReLU", R"({"negative_slope":0.12345678901})", {4, 7}},
      {"PReLU", R"({"num_parameters":3})", {4, 3, 5}},
      {"Softmax", R"({"dim":-1})", {4, 3, 5}},
      {"Embedding", R"({"num_embeddings":10,"embedding_dim":3,"padding_idx":0})", {4, 6}},
      {"CELU", R"({"alpha":0.7})", {4, 7}},
      {"ELU", R"({"alpha":0.7})", {4, 7}},
      {"Hardtanh", R"({"min_val":-0.3,"max_val":0.7})", {4, 7}},
      {"Threshold", R"({"threshold":0.2,"value":-3})", {4, 7}},
  };
  return list;
}

Case make_case(const std::string& name, const std::string& type, const std::string& options,
               const Shape& shape) {
  const bool of_indices = type == "Embedding";
  const bool steps_first = (type == "LSTM" || type == "RNN" || type == "GRU") &&
                           options.find("batch_first") == std::string::npos;
  const auto input = [=](int64_t samples) {
    Shape with_samples = shape;
    with_samples[steps_first ? 1 : 0] = samples;
    return of_indices ? indices(with_samples) : randn(with_samples);
  };
  return {name, used(nn::make_layer(type, options), input(4)), input};
}

}  // namespace

std::vector<Case> layer_cases() {
  std::vector<Case> cases;
  for (const bench::LayerCase& c : bench::all_layer_cases()) {
    const auto types = nn::layer_types();
    if (std::find(types.begin(), types.end(), c.type) == types.end()) continue;  // an optimizer
    const Shape shape{std::span<const int64_t>(c.input)};
    cases.push_back(make_case("layer " + c.name(), c.type, c.options, small(shape, c.type)));
  }
  for (const Options& o : more_options()) {
    cases.push_back(make_case(std::string(o.type) + " " + o.options, o.type, o.options, o.input));
  }
  return cases;
}

}  // namespace gradus::onnx_test
