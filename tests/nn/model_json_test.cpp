#include "../../nn/model_json.h"

#include <doctest/doctest.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "../../core/base/random.h"
#include "../../nn/activation.h"
#include "../../nn/conv.h"
#include "../../nn/linear.h"
#include "../../nn/norm.h"
#include "../../nn/padding.h"
#include "../support/errors.h"
#include "../support/paths.h"
#include "../support/processor_time.h"
#include "../support/temporary_folder.h"

using namespace gradus;
using nlohmann::json;
using test::message_of;

namespace {

const char* const small_net = R"({"layers": [
  {"name": "stem", "type": "Sequential", "layers": [
    {"name": "conv", "type": "Conv2d",
     "options": {"in_channels": 1, "out_channels": 4, "kernel_size": [3, 3], "padding": "same"}},
    {"name": "bn", "type": "BatchNorm2d", "options": {"num_features": 4, "momentum": null}}]},
  {"name": "block", "type": "Residual",
   "body": [{"name": "conv", "type": "Conv2d",
             "options": {"in_channels": 4, "out_channels": 5, "kernel_size": 1, "bias": false}}],
   "shortcut": [{"name": "0", "type": "Conv2d",
                 "options": {"in_channels": 4, "out_channels": 5, "kernel_size": 1}}]},
  {"name": "pool", "type": "MaxPool2d", "options": {"kernel_size": 2, "stride": null}},
  {"name": "act", "type": "GELU", "options": {"approximate": "tanh"}},
  {"name": "flatten", "type": "Flatten"},
  {"type": "Linear", "options": {"in_features": 45, "out_features": 2}}]})";

/// The error of a model with this one layer.
std::string error_of(const std::string& layer) {
  return message_of([&] { nn::from_json(R"({"layers": [)" + layer + "]}"); });
}

}  // namespace

TEST_CASE("a model is built from JSON, with names and options") {
  const auto net = nn::from_json(small_net);
  std::vector<std::string> names;
  for (const NamedTensor& t : net->named_parameters()) names.push_back(t.name);
  CHECK(names == std::vector<std::string>{"stem.conv.weight", "stem.conv.bias", "stem.bn.weight",
                                          "stem.bn.bias", "block.body.conv.weight",
                                          "block.shortcut.0.weight", "block.shortcut.0.bias",
                                          "5.weight", "5.bias"});
  CHECK((*net)(ones({2, 1, 6, 6})).shape() == Shape{2, 2});
  const auto& bn = dynamic_cast<const nn::BatchNorm2d&>(*(*net)[0].children()[1]);
  CHECK_FALSE(bn.options().momentum.has_value());
}

TEST_CASE("a model written as JSON is read back to the same model") {
  const auto net = nn::from_json(small_net);
  const std::string text = nn::to_json(*net);
  CHECK(nn::to_json(*nn::from_json(text)) == text);
  const json model = json::parse(text);
  CHECK(model["layers"][0]["layers"][0]["options"] == json{{"in_channels", 1},
                                                           {"out_channels", 4},
                                                           {"kernel_size", 3},
                                                           {"stride", 1},
                                                           {"padding", "same"},
                                                           {"dilation", 1},
                                                           {"groups", 1},
                                                           {"bias", true},
                                                           {"padding_mode", "zeros"},
                                                           {"winograd", true}});
  CHECK(model["layers"][0]["layers"][1]["options"]["momentum"].is_null());
  CHECK(model["layers"][3]["options"]["approximate"] == "tanh");
}

TEST_CASE("every type of layer can be made, written and read") {
  const std::map<std::string, std::string> required = {
      {"Linear", R"({"in_features": 2, "out_features": 3})"},
      {"Conv2d", R"({"in_channels": 2, "out_channels": 4, "kernel_size": 3})"},
      {"MaxPool2d", R"({"kernel_size": [2, 3]})"},
      {"AvgPool2d", R"({"kernel_size": 2, "divisor_override": 7})"},
      {"AdaptiveAvgPool2d", R"({"output_size": [4, null]})"},
      {"Conv1d", R"({"in_channels": 2, "out_channels": 4, "kernel_size": 3, "padding": "same"})"},
      {"Conv3d", R"({"in_channels": 2, "out_channels": 4, "kernel_size": 3, "padding": "same"})"},
      {"ConvTranspose1d",
       R"({"in_channels": 2, "out_channels": 4, "kernel_size": [3], "stride": 2})"},
      {"ConvTranspose2d",
       R"({"in_channels": 2, "out_channels": 4, "kernel_size": 3, "stride": [1, 3], "output_padding": [0, 2]})"},
      {"ConvTranspose3d", R"({"in_channels": 2, "out_channels": 4, "kernel_size": [1, 2, 3]})"},
      {"MaxPool1d", R"({"kernel_size": 2, "stride": null})"},
      {"AvgPool1d", R"({"kernel_size": 2, "stride": 1})"},
      {"MaxPool3d", R"({"kernel_size": 2, "stride": null})"},
      {"AvgPool3d", R"({"kernel_size": 2, "stride": 1})"},
      {"AdaptiveAvgPool1d", R"({"output_size": 3})"},
      {"AdaptiveAvgPool3d", R"({"output_size": [1, null, 2]})"},
      {"AdaptiveMaxPool1d", R"({"output_size": 3})"},
      {"AdaptiveMaxPool2d", R"({"output_size": 3})"},
      {"AdaptiveMaxPool3d", R"({"output_size": 3})"},
      {"LPPool1d", R"({"norm_type": 3, "kernel_size": 2})"},
      {"LPPool2d", R"({"norm_type": 3, "kernel_size": 2})"},
      {"MaxUnpool1d", R"({"kernel_size": 2})"},
      {"MaxUnpool2d", R"({"kernel_size": 2})"},
      {"MaxUnpool3d", R"({"kernel_size": 2})"},
      {"ZeroPad1d", R"({"padding": [0, 1]})"},
      {"ZeroPad2d", R"({"padding": [0, 1, 2, 3]})"},
      {"ZeroPad3d", R"({"padding": [0, 1, 2, 3, 4, 5]})"},
      {"ReflectionPad1d", R"({"padding": 1})"},
      {"ReflectionPad2d", R"({"padding": 1})"},
      {"ReflectionPad3d", R"({"padding": 1})"},
      {"ReplicationPad1d", R"({"padding": 1})"},
      {"ReplicationPad2d", R"({"padding": 1})"},
      {"ReplicationPad3d", R"({"padding": 1})"},
      {"CircularPad1d", R"({"padding": 1})"},
      {"CircularPad2d", R"({"padding": 1})"},
      {"CircularPad3d", R"({"padding": 1})"},
      {"ConstantPad1d", R"({"padding": 2, "value": 1.5})"},
      {"ConstantPad2d", R"({"padding": 2, "value": 1.5})"},
      {"ConstantPad3d", R"({"padding": 2, "value": 1.5})"},
      {"Upsample", R"({"scale_factor": 2, "mode": "bilinear"})"},
      {"Unflatten", R"({"dim": 1, "unflattened_size": [2, -1]})"},
      {"BatchNorm1d", R"({"num_features": 2})"},
      {"BatchNorm2d", R"({"num_features": 2})"},
      {"BatchNorm3d", R"({"num_features": 2})"},
      {"InstanceNorm1d", R"({"num_features": 2})"},
      {"InstanceNorm2d", R"({"num_features": 2, "track_running_stats": true})"},
      {"InstanceNorm3d", R"({"num_features": 2, "momentum": null})"},
      {"LayerNorm", R"({"normalized_shape": 3})"},
      {"GroupNorm", R"({"num_groups": 2, "num_channels": 4})"},
      {"RMSNorm", R"({"normalized_shape": [2, 3], "eps": null})"},
      {"LocalResponseNorm", R"({"size": 5})"},
      {"GhostBatchNorm1d", R"({"num_features": 2, "virtual_batch_size": 4})"},
      {"GhostBatchNorm2d", R"({"num_features": 2, "virtual_batch_size": 4, "momentum": null})"},
      {"BatchRenorm1d", R"({"num_features": 2, "r_max": 1, "d_max": 0})"},
      {"BatchRenorm2d", R"({"num_features": 2})"},
      {"FilterResponseNorm2d", R"({"num_features": 2, "tlu": false})"},
      {"DynamicTanh", R"({"normalized_shape": [2, 1, 1], "alpha_init_value": 1})"},
      {"Threshold", R"({"threshold": 0.5, "value": 20})"},
      {"Embedding", R"({"num_embeddings": 5, "embedding_dim": 2, "padding_idx": -1})"},
      {"RNN", R"({"input_size": 2, "hidden_size": 3, "nonlinearity": "relu"})"},
      {"LSTM", R"({"input_size": 2, "hidden_size": 3, "num_layers": 2, "dropout": 0.1})"},
      {"GRU", R"({"input_size": 2, "hidden_size": 3, "bidirectional": true})"},
      {"WeightNormLinear", R"({"in_features": 2, "out_features": 3, "dim": null})"},
      {"WeightNormConv2d", R"({"in_channels": 2, "out_channels": 4, "kernel_size": 3})"},
      {"SpectralNormLinear", R"({"in_features": 2, "out_features": 3, "eps": 1e-8})"},
      {"SpectralNormConv2d", R"({"in_channels": 2, "out_channels": 4, "kernel_size": 3})"},
      {"WeightStandardizationLinear", R"({"in_features": 2, "out_features": 3, "eps": 1e-8})"},
      {"WeightStandardizationConv2d",
       R"({"in_channels": 2, "out_channels": 4, "kernel_size": 3})"}};
  for (const std::string& type : nn::layer_types()) {
    INFO(type);
    const auto found = required.find(type);
    auto layer = nn::make_layer(type, found == required.end() ? "{}" : found->second);
    CHECK(layer->type() == type);
    nn::Sequential net;
    net.add("it", std::move(layer));
    const std::string text = nn::to_json(net);
    CHECK(nn::to_json(*nn::from_json(text)) == text);
  }
}

TEST_CASE("a clone has the same values and modes, and nothing in common") {
  const auto net = nn::from_json(small_net);
  net->to(float64);
  auto& bn = dynamic_cast<nn::BatchNorm2d&>(*(*net)[0].children()[1]);
  bn.set_form(NormForm::composed);
  bn.freeze({.statistics = true});
  bn.weight.requires_grad_(false);
  (*net)[3].eval();
  const RandomState random = random_state();
  const auto copy = nn::clone(*net);
  CHECK(random_state().streams == random.streams);
  CHECK(nn::to_json(dynamic_cast<nn::Sequential&>(*copy)) == nn::to_json(*net));
  const NamedTensors own = net->state_dict(), copied = copy->state_dict();
  for (size_t i = 0; i < own.size(); ++i) {
    CHECK(own[i].tensor.to(float64).to_vector<double>() ==
          copied[i].tensor.to(float64).to_vector<double>());
  }
  const auto& copied_bn = dynamic_cast<const nn::BatchNorm2d&>(*copy->children()[0]->children()[1]);
  CHECK(copied_bn.form() == NormForm::composed);
  CHECK(copied_bn.has_frozen_statistics());
  CHECK_FALSE(copied_bn.weight.requires_grad());
  CHECK(copied_bn.bias.requires_grad());
  CHECK(copy->is_training());
  CHECK_FALSE(copy->children()[3]->is_training());
  bn.running_mean.fill_(5);
  CHECK(copied_bn.running_mean.to_vector<double>()[0] == 0);
}

TEST_CASE("nets of the conformance files have PyTorch's parameters") {
  const std::string path = test::source_folder() + "/tests/conformance/state_dict.json";
  std::ifstream file(path);
  const json manifest = json::parse(file);
  for (const json& item : manifest["cases"]) {
    const auto net = nn::from_json(item.dump());
    CHECK(net->named_parameters().size() > 5);
    CHECK(json::parse(nn::to_json(*net))["layers"].size() == item["layers"].size());
  }
}

TEST_CASE("a model file that cannot be read is named") {
  CHECK(message_of([] { nn::from_json_file("/no/such/model.json"); }) ==
        "[from_json_file] '/no/such/model.json': the file does not exist. Hint: check the name");
  CHECK(message_of([] { nn::from_json_file("/dev/zero"); }) ==
        "[from_json_file] '/dev/zero': it is not a regular file. Hint: folders, devices and pipes "
        "cannot be read");
  const test::TemporaryFolder folder;
  std::ofstream(folder / "large.json") << "{}";
  std::filesystem::resize_file(folder / "large.json", uint64_t{200} << 30);
  CHECK(message_of([&] { nn::from_json_file(folder / "large.json"); }) ==
        "[from_json_file] '" + (folder / "large.json").string() +
            "' has 204800 MiB. Hint: a model file is a short text; weights go to a file of their "
            "own");
}

TEST_CASE("what is not a model is refused") {
  CHECK(message_of([] { nn::from_json("{"); }).starts_with("[from_json] not JSON: "));
  CHECK(message_of([] {
          nn::from_json("{\"layers\": 1e999}");
        }).starts_with("[from_json] not JSON: "));
  CHECK(message_of([] { nn::from_json("[]"); }) ==
        "[from_json] a model is an object with \"layers\", got a list of 0. Hint: to_json() of a "
        "net shows the form");
  CHECK(message_of([] { nn::from_json("{}"); }) ==
        "[from_json] \"layers\" is missing. Hint: to_json() of a net shows the form");
  CHECK(message_of([] { nn::from_json(R"({"layers": 3})"); }) ==
        "[from_json] expected a list of layers, got 3. Hint: \"layers\" is a list of objects, each "
        "with a \"type\"");
  CHECK(error_of("7") ==
        "[from_json] layer 0 must be an object, got 7. Hint: as in {\"type\": \"ReLU\"}");
  CHECK(error_of("{}") ==
        "[from_json] (0) \"type\" is missing. Hint: to_json() of a net shows the form");
  CHECK(error_of(R"({"type": 1})") ==
        "[from_json] (0) \"type\" must be a string, got 1. Hint: it is the name of a layer or of "
        "its type");
  CHECK(error_of(R"({"name": 1, "type": "ReLU"})") ==
        "[from_json] \"name\" must be a string, got 1. Hint: it is the name of a layer or of its "
        "type");
  CHECK(error_of(R"({"name": "a.b", "type": "ReLU"})") ==
        "[Sequential] cannot register \"a.b\": a name must not contain a dot. Hint: names are "
        "unique in a module and have no dot");
  CHECK(error_of(R"({"name": "a", "type": "Conv7d"})")
            .starts_with("[from_json] (a) unknown layer type \"Conv7d\". Hint: did you mean "
                         "\"Conv1d\"? Known are Sequential, Residual, Linear, Embedding, "));
  CHECK(error_of(R"({"type": "ReLU", "layers": []})") ==
        "[from_json] (0) unknown key \"layers\" in a layer of type ReLU. Hint: it may have name, "
        "type, options");
}

TEST_CASE("options that do not fit are refused, with the path of the layer") {
  const auto inside = [](const std::string& options) {
    return error_of(R"({"name": "fc", "type": "Sequential", "layers": [
                        {"type": "Linear", "options": )" +
                    options + "}]}");
  };
  CHECK(inside(R"({"in_features": 2})") ==
        "[Linear] (fc.0) option \"out_features\" is missing. Hint: to_json() of a net shows the "
        "form");
  CHECK(inside(R"({"in_features": 2, "out_features": 3, "biass": true})") ==
        "[Linear] (fc.0) unknown option \"biass\". Hint: did you mean \"bias\"? Its options "
        "are in_features, out_features, bias");
  CHECK(inside(R"({"in_features": "2", "out_features": 3})") ==
        "[Linear] (fc.0) option \"in_features\" must be an integer, got \"2\". Hint: options have "
        "the names and values of PyTorch");
  CHECK(inside(R"({"in_features": 2.5, "out_features": 3})") ==
        "[Linear] (fc.0) option \"in_features\" must be an integer, got 2.5. Hint: options have "
        "the names and values of PyTorch");
  CHECK(inside(R"({"in_features": 18446744073709551615, "out_features": 3})") ==
        "[Linear] (fc.0) option \"in_features\" must be an integer, got 18446744073709551615. "
        "Hint: options have the names and values of PyTorch");
  CHECK(inside(R"({"in_features": 2, "out_features": 3, "bias": 1})") ==
        "[Linear] (fc.0) option \"bias\" must be true or false, got 1. Hint: options have the "
        "names and values of PyTorch");
  CHECK(inside(R"({"in_features": -2, "out_features": 3})") ==
        "[Linear] (fc.0) in_features must be at least 1, got -2. Hint: sizes, steps and counts "
        "start at 1");
  CHECK(inside("[]") ==
        "[Linear] (fc.0) options must be an object, got a list of 0. Hint: as in {\"type\": "
        "\"Linear\", \"options\": {\"in_features\": 2, \"out_features\": 3}}");
  CHECK(message_of([] { nn::make_layer("MaxPool2d", R"({"kernel_size": [1, 2, 3]})"); }) ==
        "[MaxPool2d] option \"kernel_size\" must be an integer or a list of 2, got a list of 3. "
        "Hint: options have the names and values of PyTorch");
  CHECK(message_of([] { nn::make_layer("GELU", R"({"approximate": "erf"})"); }) ==
        "[GELU] option \"approximate\" must be one of none, tanh, got \"erf\". Hint: options have "
        "the names and values of PyTorch");
  CHECK(message_of([] { nn::make_layer("Dropout", R"({"p": null})"); }) ==
        "[Dropout] option \"p\" must be a number, got null. Hint: options have the names and "
        "values of PyTorch");
  CHECK(message_of([] { nn::make_layer("ReLU", R"({"inplace": true})"); }) ==
        "[ReLU] unknown option \"inplace\". Hint: it has no options");
  CHECK(message_of([] {
          nn::make_layer("Conv2d", R"({"in_channels": 1, "out_channels": 1, "kernel_size": 3,
                                       "padding": "full"})");
        }) ==
        "[Conv2d] option \"padding\" must be an integer, a list of 2, \"same\" or "
        "\"valid\", got \"full\". Hint: options have the names and values of PyTorch");
}

TEST_CASE("models nested too deep are refused, however deep") {
  const auto nested = [](int depth) {
    std::string text;
    for (int i = 0; i < depth; ++i) text += R"({"type": "Sequential", "layers": [)";
    for (int i = 0; i < depth; ++i) text += "]}";
    return text;
  };
  CHECK(nn::from_json(R"({"layers": [)" + nested(60) + "]}")->size() == 1);
  CHECK(error_of(nested(70)).find("layers are nested more than 64 deep") != std::string::npos);
  const std::string brackets = std::string(200000, '[') + std::string(200000, ']');
  CHECK(error_of(R"({"type": "Linear", "options": )" + brackets + "}") ==
        "[Linear] (0) options must be an object, got a list of 1. Hint: as in {\"type\": "
        "\"Linear\", \"options\": {\"in_features\": 2, \"out_features\": 3}}");
}

TEST_CASE("sizes that no memory holds and layers without end are refused") {
  const auto linear = [](const char* size) {
    return error_of(str(R"({"type": "Linear", "options": {"in_features": )", size,
                        R"(, "out_features": )", size, "}}"));
  };
  CHECK(linear("1000000000000000") ==
        "[Linear] (0) in_features must be at most 2147483647, got 1000000000000000. Hint: layers "
        "take sizes of 31 bits");
  CHECK(linear("10000000").starts_with("[empty] (0) a tensor of shape [10000000,10000000] is"));
  CHECK(linear("2000000").starts_with("[allocate] (0) "));
  CHECK(error_of(R"({"type": "LSTM", "options": {"input_size": 1, "hidden_size": 1,
                     "num_layers": 1000000000}})") ==
        "[LSTM] (0) num_layers must be at most 1024, got 1000000000. Hint: more layers are several "
        "modules one after the other");
}

TEST_CASE("a model file with very many keys or layers is read in linear time") {
  const auto seconds = [](const std::string& text, const char* expected) {
    return test::processor_seconds(
        [&] { CHECK(message_of([&] { nn::from_json(text); }).starts_with(expected)); });
  };
  std::string keys, layers;
  for (int i = 0; i < 50'000; ++i) keys += str(i > 0 ? "," : "", "\"", i, "\":1");
  for (int i = 0; i < 50'000; ++i) layers += R"({"type": "ReLU"},)";
  const double slow = 5;  // quadratic time takes ten times as long, even in a debug build
  CHECK(seconds("{" + keys + "}", "[from_json] \"layers\" is missing") < slow);
  CHECK(seconds(R"({"layers": [)" + layers + "{}]}", "[from_json] (50000)") < slow);
}

TEST_CASE("a layer of one's own cannot be written") {
  struct Mine : nn::Module {
    std::string type() const override { return "Mine"; }
  };
  nn::Sequential net(nn::ReLU(), nn::Sequential{Mine()});
  CHECK(message_of([&] {
          nn::to_json(net);
        }).starts_with("[to_json] (1.0) cannot write a layer of type Mine. Hint: "));
}

namespace {

struct SwishOptions {
  static constexpr const char* type = "Swish";
  double beta = 1;
  void describe(nn::OptionVisitor& visit) { visit("beta", beta); }
  Tensor apply(const Tensor& x) const { return x * sigmoid(x * beta); }
};
using Swish = nn::FunctionLayer<SwishOptions>;

/// A layer without options, of the default type.
struct Gain : nn::Module {
  Tensor& gain = parameter("gain", ones({}));
  Tensor forward(const Tensor& x) override { return x * gain; }
};

}  // namespace

TEST_CASE("a layer of one's own is read, written and cloned where its type is given") {
  nn::LayerTypes types;
  types.add<Swish>("Swish").add<Gain>("Gain");
  const auto net = nn::from_json(
      R"({"layers": [{"type": "Swish", "options": {"beta": 2}}, {"name": "gain", "type": "Gain"},
                     {"type": "ReLU"}]})",
      types);
  CHECK(dynamic_cast<const Swish&>((*net)[0]).options().beta == 2);
  net->get_parameter("gain.gain").fill_(3);
  const auto copy = nn::clone(*net, types);
  const Tensor x = ones({2});
  CHECK((*copy)(x).to_vector<float>() == (*net)(x).to_vector<float>());
  CHECK(nn::to_json(*nn::from_json(nn::to_json(*net, types), types), types) ==
        nn::to_json(*net, types));
  CHECK(nn::make_layer("Swish", R"({"beta": 4})", types)->type() == "Swish");
  CHECK(types.names().back() == "Gain");

  CHECK(message_of([&] {
          nn::to_json(*net);
        }).starts_with("[to_json] (0) cannot write a layer of type Swish. Hint: "));
  CHECK(message_of([&] {
          nn::from_json(R"({"layers": [{"type": "Gian"}]})", types);
        }).find("did you mean \"Gain\"?") != std::string::npos);
  CHECK(message_of([&] {
          nn::from_json(R"({"layers": [{"type": "Gain", "options": {"a": 1}}]})", types);
        }) == "[Gain] (0) unknown option \"a\". Hint: it has no options");
  for (const char* taken : {"Swish", "Linear", "Sequential"}) {
    CHECK(message_of([&] { types.add<Gain>(taken); }) ==
          str("[LayerTypes] there is a layer of type \"", taken,
              "\". Hint: a type of layer has one meaning in a model file"));
  }
}

TEST_CASE("a key that stands twice is refused, wherever it is") {
  CHECK(message_of([] { nn::from_json(R"({"layers": [], "layers": []})"); }) ==
        "[from_json] the key \"layers\" stands twice in one object. Hint: only one of them can "
        "count");
  CHECK(message_of([] {
          nn::from_json(R"({"layers": [{"type": "Linear", "options":
                            {"in_features": 1, "out_features": 1, "in_features": 2}}]})");
        }).starts_with("[from_json] the key \"in_features\" stands twice"));
  CHECK(nn::from_json(R"({"layers": [{"type": "ReLU"}, {"type": "ReLU"}]})")->size() == 2);
}

TEST_CASE("a misspelled key is told from one that is missing") {
  CHECK(message_of([] { nn::from_json(R"({"layer": []})"); }) ==
        "[from_json] unknown key \"layer\". Hint: did you mean \"layers\"?");
  CHECK(error_of(R"({"typ": "ReLU"})") ==
        "[from_json] (0) unknown key \"typ\". Hint: did you mean \"type\"?");
  CHECK(error_of(R"({"type": "ReLU", "option": {}})") ==
        "[from_json] (0) unknown key \"option\" in a layer of type ReLU. Hint: did you mean "
        "\"options\"? It may have name, type, options");
}

TEST_CASE("a misspelled type or option is told from one that is missing, with what was meant") {
  CHECK(error_of(R"({"type": "MaxPool2d", "options": {"kernel": 2}})") ==
        "[MaxPool2d] (0) unknown option \"kernel\". Hint: did you mean \"kernel_size\"? Its "
        "options are kernel_size, stride, padding, dilation, ceil_mode");
  CHECK(error_of(R"({"type": "Linear", "options": {"in_feature": 2, "out_features": 3}})")
            .find("unknown option \"in_feature\". Hint: did you mean \"in_features\"?") !=
        std::string::npos);
  CHECK(error_of(R"({"type": "Linear", "options": {"out_features": 3}})")
            .find("option \"in_features\" is missing") != std::string::npos);
  const auto hint_for = [](const std::string& type) {
    return error_of(R"({"type": ")" + type + R"("})");
  };
  CHECK(hint_for("Conv2D").find("did you mean \"Conv2d\"?") != std::string::npos);
  CHECK(hint_for("Relu").find("did you mean \"ReLU\"?") != std::string::npos);
  CHECK(hint_for("BatchNorm2").find("did you mean \"BatchNorm2d\"?") != std::string::npos);
  CHECK(hint_for("Sequental").find("did you mean \"Sequential\"?") != std::string::npos);
  CHECK(hint_for("Transformer").find("did you mean") == std::string::npos);
}

TEST_CASE("numbers that JSON has not are written as words and come back") {
  const std::string text = nn::to_json(
      nn::Sequential(nn::ConstantPad2d({.padding = {1, 1, 1, 1}, .value = std::nan("")})));
  CHECK(text.find(R"("value": "nan")") != std::string::npos);
  CHECK(nn::to_json(*nn::from_json(text)) == text);
}

TEST_CASE(
    "a name that is not UTF-8 is refused when a model is written, by the library's own error") {
  nn::Sequential net;
  net.add("caf\xe9", nn::ReLU());
  CHECK(message_of([&] { nn::to_json(net); }) ==
        "[to_json] a name is not valid UTF-8. Hint: use UTF-8, or plain ASCII");
  CHECK_NOTHROW(nn::clone(net));
}
