#include "all_layers.h"

namespace gradus::bench {

namespace {

using Sizes = std::vector<int64_t>;

const Sizes image = {64, 64, 14, 14}, activation_input = {64, 64, 24, 24};

/// Types that end in 1d, 2d and 3d.
void add_spatial(std::vector<LayerCase>& list) {
  const Sizes inputs[] = {{64, 32, 196}, {64, 32, 14, 14}, {16, 32, 8, 14, 14}};
  const char* const conv = R"({"in_channels":32,"out_channels":32,"kernel_size":3,"padding":1})";
  const char* const window = R"({"kernel_size":2})";
  const char* const to_one = R"({"output_size":1})";
  const char* const features = R"({"num_features":32})";
  const char* const padding = R"({"padding":2})";
  struct Kind {
    const char *op, *type, *options;
    size_t dims = 3;
  };
  const Kind kinds[] = {
      {"conv", "Conv", conv},
      {"conv_transpose", "ConvTranspose", conv},
      {"max_pool", "MaxPool", window},
      {"avg_pool", "AvgPool", window},
      {"lp_pool", "LPPool", R"({"norm_type":2,"kernel_size":2})", 2},
      {"adaptive_avg_pool", "AdaptiveAvgPool", to_one},
      {"adaptive_max_pool", "AdaptiveMaxPool", to_one},
      {"zero_pad", "ZeroPad", padding},
      {"constant_pad", "ConstantPad", R"({"padding":2,"value":1})"},
      {"reflection_pad", "ReflectionPad", padding},
      {"replication_pad", "ReplicationPad", padding},
      {"circular_pad", "CircularPad", padding},
      {"channel_dropout", "Dropout", "{}"},
      {"batch_norm", "BatchNorm", features},
      {"instance_norm", "InstanceNorm", features},
      {"ghost_batch_norm", "GhostBatchNorm", R"({"num_features":32,"virtual_batch_size":16})", 2},
      {"batch_renorm", "BatchRenorm", features, 2},
  };
  for (const Kind& kind : kinds) {
    for (size_t n = 1; n <= kind.dims; ++n) {
      const std::string dims = std::to_string(n) + "d";
      list.push_back({kind.op, dims, inputs[n - 1], kind.type + dims, kind.options});
    }
  }
}

void add_others(std::vector<LayerCase>& list) {
  const Sizes rows = {64, 28, 28};
  const std::string recurrent = R"({"input_size":28,"hidden_size":128,"batch_first":true})";
  const std::vector<LayerCase> others = {
      {"flatten", "default", image, "Flatten"},
      {"unflatten", "default", image, "Unflatten", R"({"dim":1,"unflattened_size":[8,8]})"},
      {"identity", "default", image, "Identity"},
      {"upsample", "nearest x2", image, "Upsample", R"({"scale_factor":2})"},
      {"alpha_dropout", "0.5", image, "AlphaDropout"},
      {"softmax", "dim 1", {64, 10}, "Softmax", R"({"dim":1})"},
      {"log_softmax", "dim 1", {64, 10}, "LogSoftmax", R"({"dim":1})"},
      {"softmin", "dim 1", {64, 10}, "Softmin", R"({"dim":1})"},
      {"threshold", "default", activation_input, "Threshold", R"({"threshold":0.1,"value":0})"},
      {"embedding",
       "10 to 128",
       {64, 28},
       "Embedding",
       R"({"num_embeddings":10,"embedding_dim":128})"},
      {"rnn", "28 to 128", rows, "RNN", recurrent},
      {"lstm", "28 to 128", rows, "LSTM", recurrent},
      {"gru", "28 to 128", rows, "GRU", recurrent},
      {"last_step", "default", {64, 28, 128}, "LastStep", R"({"batch_first":true})"},
      {"layer_norm", "rows", {4096, 512}, "LayerNorm", R"({"normalized_shape":[512]})"},
      {"rms_norm", "rows", {4096, 512}, "RMSNorm", R"({"normalized_shape":[512]})"},
      {"filter_response_norm", "default", image, "FilterResponseNorm2d", R"({"num_features":64})"},
      {"dynamic_tanh", "rows", {4096, 512}, "DynamicTanh", R"({"normalized_shape":[512]})"},
      {"local_response_norm", "5", image, "LocalResponseNorm", R"({"size":5})"},
  };
  list.insert(list.end(), others.begin(), others.end());
}

void add_reparametrized(std::vector<LayerCase>& list) {
  const char* const linear = R"({"in_features":784,"out_features":128})";
  const char* const conv = R"({"in_channels":64,"out_channels":64,"kernel_size":3,"padding":1})";
  for (const std::string norm : {"WeightNorm", "SpectralNorm", "WeightStandardization"}) {
    list.push_back({"linear", norm, {64, 784}, norm + "Linear", linear});
    list.push_back({"conv2d", norm, image, norm + "Conv2d", conv});
  }
}

void add_activations(std::vector<LayerCase>& list) {
  for (const char* type :
       {"LeakyReLU",  "ELU",        "GELU",  "SiLU",        "Sigmoid",   "Tanh",
        "Softplus",   "LogSigmoid", "SELU",  "CELU",        "Mish",      "Softsign",
        "Tanhshrink", "Hardtanh",   "ReLU6", "Hardsigmoid", "Hardswish", "Hardshrink",
        "Softshrink", "PReLU",      "GLU"}) {
    list.push_back({type, "layer", activation_input, type});
  }
}

void add_optimizers(std::vector<LayerCase>& list) {
  for (const char* type :
       {"AdamW", "RMSprop", "Adagrad", "Adadelta", "Adamax", "NAdam", "RAdam", "Lion"}) {
    list.push_back({type, "basic net", {}, type, R"({"net":"basic"})"});
  }
}

}  // namespace

std::vector<LayerCase> all_layer_cases() {
  std::vector<LayerCase> list = layer_cases();
  for (const auto add :
       {add_spatial, add_others, add_reparametrized, add_activations, add_optimizers}) {
    add(list);
  }
  return list;
}

}  // namespace gradus::bench
