// The bytes of ONNX files: what is read, and what is refused without harm.
#include <doctest/doctest.h>

#include <limits>

#include "../../core/io/protobuf.h"
#include "../../nn/onnx/onnx.h"
#include "../core/checks.h"
#include "../support/errors.h"
#include "onnx_node.h"

using namespace gradus;
using namespace gradus::test;
using protobuf::bytes;
using protobuf::integer;
using protobuf::packed;

namespace {

onnx::Model parsed(const std::string& file) {
  return onnx::parse_model(std::as_bytes(std::span(file)), "net.onnx");
}
std::string refusal(const std::string& file) {
  return message_of([&] { parsed(file); });
}
void check_refused(const std::string& file, const char* part) {
  const std::string message = refusal(file);
  CHECK_MESSAGE(message.starts_with("[load_onnx] 'net.onnx': "), message);
  CHECK_MESSAGE(message.find(part) != std::string::npos, message);
}

std::string value(const std::string& name, const std::string& type = "") {
  const std::string batch = bytes(1, bytes(2, "batch")), three = bytes(1, integer(1, 3));
  return bytes(1, name) +
         bytes(2, type.empty() ? bytes(1, integer(1, 1) + bytes(2, batch + three)) : type);
}
std::string relu(const std::string& attribute = "") {
  return bytes(1, "x") + bytes(2, "y") + bytes(3, "/relu") + bytes(4, "Relu") +
         (attribute.empty() ? "" : bytes(5, attribute));
}
/// A model with one Relu; `fields` are further ones of the graph, `more` of the model.
std::string file_with(const std::string& fields = "", const std::string& more = "",
                      const std::string& node = relu()) {
  const std::string graph =
      bytes(1, node) + bytes(2, "graph") + fields + bytes(11, value("x")) + bytes(12, value("y"));
  return integer(1, 8) + bytes(7, graph) + bytes(8, integer(2, 17)) + more;
}
std::string tensor_field(int64_t type, const std::vector<int64_t>& sizes, const std::string& data) {
  std::string dims;
  for (const int64_t size : sizes) dims += protobuf::varint(static_cast<uint64_t>(size));
  return bytes(1, dims) + integer(2, type) + bytes(8, "w") + data;
}
std::string file_with_tensor(int64_t type, const std::vector<int64_t>& sizes,
                             const std::string& data) {
  return file_with(bytes(5, tensor_field(type, sizes, data)));
}
Tensor read_tensor(int64_t type, const std::vector<int64_t>& sizes, const std::string& data) {
  return parsed(file_with_tensor(type, sizes, data)).initializers[0].tensor;
}
template <class T>
std::string raw(std::initializer_list<T> numbers) {
  std::string text;
  for (const T number : numbers) text += protobuf::raw(number);
  return bytes(9, text);
}

}  // namespace

TEST_CASE("an ONNX file is read with names, types and sizes") {
  const onnx::Model model = parsed(file_with("", bytes(14, bytes(1, "key") + bytes(2, "text"))));
  CHECK(model.ir_version == 8);
  CHECK(model.opset == 17);
  CHECK(model.graph_name == "graph");
  CHECK(model.metadata.at("key") == "text");
  REQUIRE(model.nodes.size() == 1);
  CHECK(model.nodes[0].op_type == "Relu");
  CHECK(model.nodes[0].name == "/relu");
  CHECK(model.nodes[0].inputs == std::vector<std::string>{"x"});
  CHECK(model.nodes[0].outputs == std::vector<std::string>{"y"});
  CHECK(model.inputs[0].name == "x");
  CHECK(std::get<std::string>(model.inputs[0].shape.at(0)) == "batch");
  CHECK(std::get<int64_t>(model.inputs[0].shape.at(1)) == 3);
  CHECK(model.outputs[0].name == "y");
}

TEST_CASE("tensors of an ONNX file are read from raw data and from numbers of every type") {
  const auto check = [](const Tensor& found, DType dtype, const std::vector<double>& expected) {
    CHECK(found.dtype() == dtype);
    CHECK(values(found) == expected);
  };
  const std::vector<double> some = {1, -2};
  check(read_tensor(1, {2}, raw<float>({1, -2})), float32, some);
  check(read_tensor(11, {2}, raw<double>({1, -2})), float64, some);
  check(read_tensor(7, {2}, raw<int64_t>({1, -2})), int64, some);
  check(read_tensor(6, {2}, raw<int32_t>({1, -2})), int32, some);
  check(read_tensor(5, {2}, raw<int16_t>({1, -2})), int32, some);
  check(read_tensor(3, {2}, raw<int8_t>({1, -2})), int32, some);
  check(read_tensor(2, {2}, raw<uint8_t>({1, 254})), uint8, {1, 254});
  check(read_tensor(9, {2}, raw<uint8_t>({1, 0})), boolean, {1, 0});
  check(read_tensor(10, {5}, raw<uint16_t>({0x3c00, 0xc000, 1, 0x7c00, 0x8000})), float32,
        {1, -2, 0x1p-24, std::numeric_limits<double>::infinity(), 0});
  check(read_tensor(16, {2}, raw<uint16_t>({0x3f80, 0xc000})), float32, some);

  check(read_tensor(1, {2}, bytes(4, packed(std::vector<float>{1, -2}))), float32, some);
  check(read_tensor(1, {2}, protobuf::single(4, 1) + protobuf::single(4, -2)), float32, some);
  check(read_tensor(11, {2}, bytes(10, packed(std::vector<double>{1, -2}))), float64, some);
  const std::string minus_two = protobuf::varint(static_cast<uint64_t>(-2));
  check(read_tensor(7, {2}, bytes(7, "\1" + minus_two)), int64, some);
  check(read_tensor(7, {2}, integer(7, 1) + integer(7, -2)), int64, some);
  for (const int64_t type : {6, 5, 3}) {
    check(read_tensor(type, {2}, bytes(5, "\1" + minus_two)), int32, some);
  }
  check(read_tensor(9, {2}, bytes(5, std::string("\1\0", 2))), boolean, {1, 0});
  check(read_tensor(10, {1}, integer(5, 0xc000)), float32, {-2});
  check(read_tensor(16, {1}, integer(5, 0xc000)), float32, {-2});
  CHECK(read_tensor(1, {}, raw<float>({3})).shape() == Shape());
  CHECK(read_tensor(1, {2, 0}, "").shape() == Shape{2, 0});
}

TEST_CASE("attributes of an ONNX file have the type they say, and may be left out if zero") {
  const auto read = [](const std::string& fields) {
    return parsed(file_with("", "", relu(bytes(1, "a") + fields))).nodes[0].attributes.at("a");
  };
  CHECK(std::get<float>(read(protobuf::single(2, 0.5F) + integer(20, 1))) == 0.5F);
  CHECK(std::get<float>(read(integer(20, 1))) == 0);
  CHECK(std::get<int64_t>(read(integer(3, -5) + integer(20, 2))) == -5);
  CHECK(std::get<int64_t>(read(integer(20, 2))) == 0);
  CHECK(std::get<std::string>(read(bytes(4, "text") + integer(20, 3))) == "text");
  CHECK(std::get<Ints>(read(bytes(8, "\1\2") + integer(20, 7))) == Ints{1, 2});
  CHECK(std::get<Ints>(read(integer(8, 1) + integer(8, 2))) == Ints{1, 2});
  CHECK(std::get<Ints>(read(integer(20, 7))).empty());
  CHECK(std::get<std::vector<float>>(read(bytes(7, packed(std::vector<float>{1, 2})))).size() == 2);
  CHECK(std::get<std::vector<std::string>>(read(bytes(9, "a") + bytes(9, "b"))).size() == 2);
  CHECK(std::get<Tensor>(read(bytes(5, tensor_field(1, {1}, raw<float>({3}))))).item() == 3);
  check_refused(file_with("", "", relu(bytes(1, "a") + integer(3, 1) + integer(20, 1))),
                "node '/relu' (Relu): attribute 'a': has a value of another type");
  check_refused(file_with("", "", relu(bytes(1, "a") + integer(20, 4))), "'a' has no value");
  check_refused(file_with("", "", relu(bytes(1, "then_branch") + bytes(6, ""))),
                "node '/relu' (Relu): attribute 'then_branch': subgraphs are not supported");
  check_refused(
      file_with("", "",
                relu(bytes(1, "a") + integer(3, 1)) + bytes(5, bytes(1, "a") + integer(3, 1))),
      "attribute 'a': it appears twice");
}

TEST_CASE("initializers that an ONNX file lists as inputs are none") {
  const std::string weight = bytes(5, tensor_field(1, {1}, raw<float>({3})));
  CHECK(parsed(file_with(weight + bytes(11, value("w")))).inputs.size() == 1);
}

TEST_CASE("ONNX files that Gradus cannot read are refused by name") {
  CHECK(refusal("") ==
        "[load_onnx] 'net.onnx': the model: it has no graph. Hint: an ONNX file is a ModelProto; "
        "check the path");
  check_refused("<html><body>", "'net.onnx'");
  check_refused(file_with("", integer(1, 2)), "IR version 2 is not supported: 3 to 13 are");
  check_refused(file_with("", bytes(8, integer(2, 6))), "opset 6 is not supported: 7 to 23 are");
  check_refused(integer(1, 8) + bytes(7, ""), "it does not say which opset it uses");
  check_refused(file_with("", bytes(7, "")), "it has two graphs");
  check_refused(file_with("", bytes(20, "")), "training_info");
  check_refused(file_with("", bytes(25, "")), "functions of its own");
  check_refused(file_with(bytes(15, "")), "sparse initializers");
  check_refused(file_with(bytes(11, value("z", bytes(4, "")))),
                "input or output 'z': it is not a tensor");
  CHECK(parsed(file_with("", bytes(8, bytes(1, "com.example") + integer(2, 99)))).opset == 17);
}

TEST_CASE("tensors of an ONNX file that are not what they say are refused by name") {
  const std::string one = raw<float>({1});
  check_refused(file_with_tensor(1, {2}, one),
                "initializer 'w': of shape [2] and type float needs 8 bytes, it has 4");
  check_refused(file_with_tensor(1, {2}, bytes(4, packed(std::vector<float>{1}))),
                "initializer 'w': of shape [2] has 1 elements");
  check_refused(file_with_tensor(1, {int64_t{1} << 40}, one), "needs 4398046511104 bytes");
  check_refused(file_with_tensor(1, {int64_t{1} << 40, int64_t{1} << 40}, one), "is impossible");
  check_refused(file_with_tensor(1, {int64_t{1} << 40}, ""), "has 0 elements");
  check_refused(file_with_tensor(1, {-1}, one), "its shape [-1] is impossible");
  check_refused(file_with_tensor(1, std::vector<int64_t>(9, 1), one), "it has 9 dimensions");
  check_refused(file_with_tensor(8, {1}, bytes(6, "text")), "strings");
  check_refused(file_with_tensor(14, {1}, one), "element type 14 is not supported");
  check_refused(file_with_tensor(1, {1}, bytes(13, "") + integer(14, 1)), "in another file");
  check_refused(file_with_tensor(9, {1}, raw<uint8_t>({2})), "a bool other than 0 and 1");
  check_refused(file_with_tensor(9, {1}, integer(5, 2)), "does not fit into bool");
  check_refused(file_with_tensor(6, {1}, integer(5, int64_t{1} << 33)), "does not fit into int32");
  check_refused(file_with_tensor(1, {1}, bytes(4, "123")), "a list of numbers is cut off");
  check_refused(file_with(bytes(5, bytes(1, "\1") + integer(2, 1) + raw<float>({1}))),
                "initializer number 0: it has no name");
}

TEST_CASE("an ONNX file that is cut off or damaged anywhere is refused, or read as another") {
  const std::string weight = bytes(5, tensor_field(1, {2, 3}, raw<float>({1, 2, 3, 4, 5, 6})));
  const std::string whole =
      file_with(weight, bytes(14, bytes(1, "k") + bytes(2, "v")),
                bytes(1, "x") + bytes(1, "w") + bytes(2, "y") + bytes(4, "Gemm") +
                    bytes(5, bytes(1, "alpha") + protobuf::single(2, 1) + integer(20, 1)) +
                    bytes(5, bytes(1, "transB") + integer(3, 1) + integer(20, 2)));
  size_t refused = 0;
  std::string last;
  const auto load = [&](const std::string& content) {
    try {
      const auto net = onnx::to_module(parsed(content), "net.onnx");
      static_cast<void>((*net)(ones({1, 3})));
    } catch (const IoError& error) {
      CHECK(error.op() == "load_onnx");
      last = error.what();
      ++refused;
    } catch (const Error& error) {  // when it computes
      CHECK((error.op() == "OnnxNet" || error.module_path() == "y"));
    }
  };
  load(whole);
  CHECK(last == "");
  for (size_t size = 0; size < whole.size(); ++size) load(whole.substr(0, size));
  CHECK(refused >= whole.size() - 1);  // only metadata may be missing
  for (size_t i = 0; i < whole.size(); ++i) {
    for (const char flip : {'\x01', '\x80', '\xff'}) {
      std::string damaged = whole;
      damaged[i] = static_cast<char>(damaged[i] ^ flip);
      load(damaged);
    }
  }
}

TEST_CASE("a missing ONNX file is an error of load_onnx") {
  CHECK(message_of([] {
          nn::load_onnx("/no/such.onnx");
        }).starts_with("[load_onnx] there is no file"));
}

TEST_CASE("messages within messages of an ONNX file do not deepen anything") {
  std::string deep;
  for (int i = 0; i < 10'000; ++i) deep = bytes(7, deep.substr(0, 100'000));
  check_refused(deep, "");
  std::string name;
  for (int i = 0; i < 10'000; ++i) name += "a.";
  const auto net = onnx_net({{"Add", "", {"x", name + "w"}, {"y"}}}, {{name + "w", ones({1})}});
  CHECK(net->children().empty());
}
