// What becomes of a graph: names, parameters, modes, and what is refused.
#include <doctest/doctest.h>

#include "../../core/tape.h"
#include "../../nn/norm.h"
#include "../../nn/onnx/onnx.h"
#include "../core/checks.h"
#include "../support/errors.h"
#include "../support/text.h"
#include "onnx_node.h"

using namespace gradus;
using namespace gradus::test;

namespace {

std::vector<std::string> names(const NamedTensors& tensors) {
  std::vector<std::string> list;
  for (const NamedTensor& t : tensors) list.push_back(t.name);
  return list;
}

using Names = std::vector<std::string>;

std::string refusal(const std::vector<onnx::Node>& nodes, const NamedTensors& initializers = {},
                    int64_t opset = 17) {
  return message_of([&] { onnx_net(nodes, initializers, opset); });
}

}  // namespace

TEST_CASE("an error names every operation of an ONNX file that is not supported") {
  const std::string message = refusal({{"Foo", "/a/Foo", {"x"}, {"a"}},
                                       {"Foo", "/b/Foo", {"a"}, {"b"}},
                                       {"Relu", "r", {"b"}, {"c"}},
                                       {"Gelu", "g", {"c"}, {"d"}, {}, "com.microsoft"},
                                       {"Bar", "", {"d"}, {"y"}}});
  CHECK(message ==
        "[load_onnx] 'net.onnx': not supported at opset 17: Bar (node 'y'), Foo (node '/a/Foo' and "
        "1 more), com.microsoft.Gelu (node 'g'). Hint: docs/onnx.md lists what can be read");
}

TEST_CASE("what only another output of an ONNX file needs is left out") {
  onnx::Model model =
      onnx_model({{"Foo", "", {"x"}, {"z"}}, {"Relu", "", {"x"}, {"y"}}}, {{"unused", ones({2})}});
  model.outputs.push_back({.name = "z", .shape = {}});
  const auto net = onnx::to_module(model, "net.onnx");
  check_close((*net)(tensor({-1.0F, 2.0F})), tensor({0.0F, 2.0F}));
  CHECK(net->named_parameters().empty());
}

TEST_CASE("ONNX files that make no sense are refused with the node") {
  CHECK(refusal({{"Relu", "r", {"z"}, {"y"}}}) ==
        "[load_onnx] 'net.onnx': node 'r' (Relu): it uses 'z', which nothing before it computes. "
        "Hint: copy it anew if it was damaged on the way, or export it again");
  const auto complains = [](const std::string& message, const char* about) {
    CHECK_MESSAGE(message.find(about) != std::string::npos, message);
  };
  complains(refusal({{"Relu", "r", {"x"}, {"z"}}}), "nothing computes the output 'y'");
  complains(refusal({{"Add", "a", {"x"}, {"y"}}}), "node 'a' (Add): it has 1 inputs");
  complains(refusal({{"Add", "a", {"x", ""}, {"y"}}}), "node 'a' (Add): input 1 is missing");
  complains(refusal({{"Max", "m", {"x", ""}, {"y"}}}), "node 'm' (Max): input 1 is missing");
  complains(refusal({{"Relu", "r", {"x"}, {"y"}, {{"slope", 1.0F}}}}),
            "node 'r' (Relu): attribute 'slope' is not supported at opset 17");
  complains(refusal({{"Elu", "e", {"x"}, {"y"}, {{"alpha", int64_t{1}}}}}),
            "attribute 'alpha' has a value of a wrong type");
  complains(refusal({{"Relu", "", {"x"}, {"a"}},
                     {"Add", "s", {"a", "x"}, {"a"}},
                     {"Relu", "", {"a"}, {"y"}}}),
            "another value has the name of its output 'a'");
  complains(refusal({{"Add", "", {"x", "w"}, {"y"}}}, {{"w", ones({1})}, {"w", ones({1})}}),
            "two values have the name 'w'");
  onnx::Model model = onnx_model({{"Add", "", {"x", "z"}, {"y"}}});
  model.inputs.push_back({.name = "z", .shape = {}});
  complains(message_of([&] { onnx::to_module(model, "net.onnx"); }), "the graph has 2 inputs");
}

TEST_CASE("floating initializers of an ONNX file are parameters under their dotted names") {
  const auto net = onnx_net({{"Conv", "/layer1/conv/Conv", {"x", "layer1.conv.weight"}, {"a"}},
                             {"Add", "/Add", {"a", "onnx::Add_23"}, {"b"}},
                             {"Add", "", {"b", "layer1"}, {"c"}},
                             {"Add", "", {"c", "a..b"}, {"d"}},
                             {"Add", "", {"d", "layer1.conv"}, {"e"}},
                             {"Add", "", {"e", "layer1.conv.weight.x"}, {"f"}},
                             {"Reshape", "", {"f", "shape"}, {"g"}},
                             {"Clip", "", {"g", "low"}, {"y"}}},
                            {{"layer1.conv.weight", ones({1, 1, 1})},
                             {"onnx::Add_23", ones({1})},
                             {"layer1", ones({1})},
                             {"a..b", ones({1})},
                             {"layer1.conv", ones({1})},
                             {"layer1.conv.weight.x", ones({1})},
                             {"shape", tensor({int64_t{-1}})},
                             {"low", full({}, 0.0)}});
  CHECK(names(net->state_dict()) == Names{"onnx::Add_23", "layer1_2", "a__b", "layer1_conv",
                                          "layer1_conv_weight_x", "layer1.conv.weight"});
  CHECK(net->get_parameter("layer1.conv.weight").requires_grad());
  check_close((*net)(ones({1, 1, 2})), full({2}, 6.0));
}

TEST_CASE("a tape shows parameters of an ONNX file by their names, and where they are used") {
  const auto net = onnx_net(
      {{"MatMul", "/fc/MatMul", {"x", "fc.weight"}, {"a"}}, {"Relu", "/relu/Relu", {"a"}, {"y"}}},
      {{"fc.weight", ones({2, 3})}});
  Tape tape;
  tape.backward(sum((*net)(ones({1, 2}))));
  const std::string json = tape.to_json();
  CHECK(json.find("\"fc.weight\"") != std::string::npos);
  CHECK(json.find("/relu/Relu") != std::string::npos);
  check_close(net->get_parameter("fc.weight").grad(), ones({2, 3}));
}

TEST_CASE("an error of a forward names the node of the ONNX file") {
  const auto net = onnx_net({{"MatMul", "/fc/MatMul", {"x", "w"}, {"y"}}}, {{"w", ones({2, 3})}});
  const std::string message = message_of([&] { (*net)(ones({1, 5})); });
  CHECK_MESSAGE(message.starts_with("[matmul] (/fc/MatMul) "), message);
}

TEST_CASE("the input of an ONNX net has the rank and kind of type that the file says") {
  onnx::Model model = onnx_model({{"Relu", "", {"x"}, {"y"}}});
  model.inputs[0].shape = {std::string("batch"), int64_t{3}};
  const auto net = onnx::to_module(model, "net.onnx");
  CHECK(message_of([&] { (*net)(ones({3})); }) ==
        "[OnnxNet] input 'x' is [batch,3], got [3]. Hint: the file says what the net takes");
  CHECK(message_of([&] {
          (*net)(ones({2, 3}, int64));
        }) ==
        "[OnnxNet] input 'x' is float32 in the file, got int64. Hint: convert it with .to(dtype)");
}

TEST_CASE("copies of a parameter in an ONNX file are trained on their own, uses of it as one") {
  const std::vector<onnx::Node> nodes = {{"Identity", "", {"a.weight"}, {"b.weight"}},
                                         {"Mul", "", {"x", "a.weight"}, {"s"}},
                                         {"Add", "", {"s", "b.weight"}, {"t"}},
                                         {"Mul", "", {"t", "a.weight"}, {"y"}}};
  const auto net = onnx_net(nodes, {{"a.weight", full({1}, 2.0)}});
  CHECK(names(net->state_dict()) == Names{"a.weight", "b.weight"});
  Tape tape;
  tape.backward(sum((*net)(full({1}, 5.0))));  // (5 a + b) a
  CHECK(net->get_parameter("a.weight").grad().item() == 22);
  CHECK(net->get_parameter("b.weight").grad().item() == 2);
}

TEST_CASE("constants of an ONNX file follow Module::to and are not trained") {
  const std::vector<onnx::Node> nodes = {
      {"Constant", "", {}, {"c"}, {{"value", tensor({2.0F})}}},
      {"Constant", "", {}, {"one"}, {{"value_float", 1.0F}}},
      {"Constant", "", {}, {"d"}, {{"value", tensor({0.1}, {1})}}},
      {"Mul", "", {"x", "c"}, {"a"}},
      {"Add", "", {"a", "w"}, {"b"}},
      {"Greater", "", {"b", "c"}, {"mask"}},
      {"Cast", "", {"mask"}, {"m"}, {{"to", int64_t{1}}}},
      {"Cast", "", {"d"}, {"e"}, {{"to", int64_t{1}}}},
      {"ConstantOfShape", "", {"shape"}, {"f"}, {{"value", tensor({3.0F})}}},
      {"Sum", "", {"b", "m", "e", "f", "one"}, {"y"}}};
  const auto net = onnx_net(nodes, {{"w", full({1}, 0.5)}, {"shape", tensor({int64_t{1}})}});
  CHECK(names(net->state_dict()) == Names{"w"});
  check_close((*net)(ones({2})), full({2}, 7.6), 1e-6);
  net->to(float64);
  check_close((*net)(ones({2}, float64)), full({2}, 7.6, float64), 1e-15);
  net->to(float32);
  check_close((*net)(ones({2})), full({2}, 7.6), 1e-6);
}

// --- Batch norm and dropout ---

namespace {

std::unique_ptr<nn::Module> batch_norm_net(const char* prefix = "bn.") {
  const std::string p = prefix;
  return onnx_net({{"BatchNormalization",
                    "/bn/Norm",
                    {"x", p + "weight", p + "bias", p + "running_mean", p + "running_var"},
                    {"y"},
                    {{"epsilon", 1e-3F}, {"momentum", 0.7F}}}},
                  {{p + "weight", tensor({2.0F, 1.0F})},
                   {p + "bias", tensor({0.0F, 1.0F})},
                   {p + "running_mean", tensor({1.0F, 0.0F})},
                   {p + "running_var", tensor({4.0F, 1.0F})}});
}

}  // namespace

TEST_CASE("a batch norm of an ONNX file is a layer in both modes") {
  for (const Shape& shape : {Shape{4, 2}, Shape{4, 2, 3}, Shape{3, 2, 2, 2, 2}}) {
    const auto net = batch_norm_net();
    CHECK(names(net->named_parameters()) == Names{"bn.weight", "bn.bias"});
    CHECK(names(net->named_buffers()) ==
          Names{"bn.running_mean", "bn.running_var", "bn.num_batches_tracked"});
    net->to(float64);
    const Tensor x = random(shape, 3);
    const auto same = [&](const nn::Module& own, nn::Module& reference) {
      for (const char* name : {"running_mean", "running_var"}) {
        check_close(own.get_buffer(std::string("bn.") + name), reference.get_buffer(name), 1e-12);
      }
    };
    nn::BatchNorm1d flat({.num_features = 2, .eps = 1e-3, .momentum = 0.3});
    flat.load_state_dict({{"weight", tensor({2.0F, 1.0F})},
                          {"bias", tensor({0.0F, 1.0F})},
                          {"running_mean", tensor({1.0F, 0.0F})},
                          {"running_var", tensor({4.0F, 1.0F})}});
    flat.to(float64);
    const Tensor rows = shape.dim() == 2 ? x : flatten(x, 2);
    for (const bool training : {true, false}) {
      net->train(training);
      flat.train(training);
      check_close((*net)(x), reshape(flat(rows), shape), 1e-12);
      same(*net, flat);
    }
  }
  const auto net = batch_norm_net();
  CHECK(net->get_submodule("bn").depends_on_mode());
  nn::freeze_norms(*net, {.statistics = true});
  const Tensor x = ones({1, 2});
  check_close((*net)(x), tensor({{0.0F, 2.0F}}), 1e-3);  // trains, but with frozen statistics
}

TEST_CASE("a batch norm whose tensors have other names is named by its node") {
  CHECK(names(batch_norm_net("gamma/")->state_dict()) ==
        Names{"/bn/Norm.weight", "/bn/Norm.bias", "/bn/Norm.running_mean", "/bn/Norm.running_var",
              "/bn/Norm.num_batches_tracked"});
}

TEST_CASE("what a batch norm of an ONNX file needs must be stored in it") {
  const NamedTensors three = {{"w", ones({2})}, {"m", zeros({2})}, {"v", ones({2})}};
  const onnx::Node node{"BatchNormalization", "bn", {"x", "w", "b", "m", "v"}, {"y"}};
  const auto starts = [](const std::string& message, const std::string& begin) {
    CHECK_MESSAGE(
        message.starts_with("[load_onnx] 'net.onnx': node 'bn' (BatchNormalization): " + begin),
        message);
  };
  starts(refusal({{"Neg", "", {"w"}, {"b"}}, node}, three), "'b' is computed rather than stored");
  NamedTensors four = three;
  four.push_back({"b", zeros({3})});
  starts(refusal({node}, four), "'b' is float32 [3]");
}

TEST_CASE("dropout of an ONNX file acts in training") {
  for (const bool as_input : {true, false}) {
    const auto net = as_input ? OneNode{"Dropout", {}, {full({}, 0.75)}}.net()
                              : OneNode{"Dropout", {{"ratio", 0.75F}}, {}, 11}.net();
    CHECK(net->depends_on_mode());
    const Tensor x = ones({1000});
    const Tensor y = (*net)(x);
    const double kept = sum(ne(y, 0)).item();
    CHECK(kept > 150);
    CHECK(kept < 350);
    CHECK(max(y).item() == 4);
    net->eval();
    check_close((*net)(x), x);
  }
  CHECK_FALSE(OneNode{"Relu"}.net()->depends_on_mode());
}
