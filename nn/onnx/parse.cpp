// The bytes of an ONNX file as a Model. Numbers of fields are those of onnx.proto.
#include <algorithm>
#include <bit>
#include <cstring>
#include <optional>

#include "../../core/base/error.h"
#include "../../core/io/elements.h"
#include "../../core/io/half.h"
#include "../../core/io/protobuf_reader.h"
#include "../../core/ops.h"
#include "import_node.h"

namespace gradus::onnx {

namespace {

constexpr int64_t min_ir = 3, max_ir = 13, min_opset = 7, max_opset = 23;

enum Code : int64_t { int8_code = 3, int16_code = 5, half_code = 10, bfloat_code = 16 };

const ElementType* find_type(int64_t code) {
  const auto* const row = std::ranges::find(element_types, code, &ElementType::code);
  return row == std::end(element_types) ? nullptr : row;
}

class Parser {
 public:
  explicit Parser(std::string_view file) : file_(file) {}

  Model parse(std::span<const std::byte> bytes);

 private:
  /// Throws, naming the file and the part of it that is being read.
  void check(bool holds, std::string_view hint, const auto&... what) const {
    require<IoError>(holds, load_op, hint, "'", file_, "': ", where_, ": ", what...);
  }
  struct Fail {
    const Parser* parser;
    void operator()(const char* what) const { parser->check(false, export_again, what); }
  };
  using Message = protobuf::Message<Fail>;

  void parse_opset(Message message);
  void parse_graph(Message message);
  void parse_node(Message message);
  void parse_attribute(Message message, Node& node);
  AttributeValue value_of(const std::string& name, Message message);
  Tensor parse_tensor(Message message, std::string* name);
  Tensor convert(const ElementType& type, const Shape& shape, std::span<const std::byte> raw) const;
  Tensor convert(const ElementType& type, const Shape& shape, const std::vector<int64_t>& integers,
                 const std::vector<float>& floats, const std::vector<double>& doubles) const;
  ValueInfo parse_value(Message message);
  void parse_type(Message message, ValueInfo& value);
  void parse_shape(Message message, ValueInfo& value);
  void parse_metadata(Message message);
  void finish();

  std::string file_, where_ = "the model";
  Fail fail_{this};
  Model model_ = {};
  bool has_opset_ = false, has_graph_ = false;
};

Model Parser::parse(std::span<const std::byte> bytes) {
  model_.ir_version = 0;
  for (Message m(bytes, fail_); m.next();) {
    where_ = "the model";
    switch (m.field()) {
      case 1:
        model_.ir_version = m.integer();
        break;
      case 7:
        parse_graph(m.message());
        break;
      case 8:
        parse_opset(m.message());
        break;
      case 14:
        parse_metadata(m.message());
        break;
      case 20:
        check(false, "export it for inference", "it has training_info");
        break;
      case 25:
        check(false, "inline its functions", "it has functions of its own");
        break;
      default:
        break;
    }
  }
  finish();
  return std::move(model_);
}

/// What only the whole file can tell.
void Parser::finish() {
  where_ = "the model";
  check(has_graph_, "an ONNX file is a ModelProto; check the path", "it has no graph");
  check(model_.ir_version >= min_ir && model_.ir_version <= max_ir,
        "save it with another version of its exporter", "IR version ", model_.ir_version,
        " is not supported: ", min_ir, " to ", max_ir, " are");
  check(has_opset_, export_again, "it does not say which opset it uses");
  check(model_.opset >= min_opset && model_.opset <= max_opset,
        "choose another opset_version when exporting", "opset ", model_.opset,
        " is not supported: ", min_opset, " to ", max_opset, " are");
  // Old exporters list initializers among the inputs.
  std::vector<std::string_view> names;
  for (const NamedTensor& t : model_.initializers) names.push_back(t.name);
  std::ranges::sort(names);
  std::erase_if(model_.inputs, [&names](const ValueInfo& input) {
    return std::ranges::binary_search(names, std::string_view(input.name));
  });
}

void Parser::parse_opset(Message m) {
  std::string domain;
  int64_t version = 0;
  while (m.next()) {
    if (m.field() == 1) domain = m.text();
    if (m.field() == 2) version = m.integer();
  }
  if (!domain.empty() && domain != "ai.onnx") return;  // nodes of it are refused by name
  model_.opset = version;
  has_opset_ = true;
}

void Parser::parse_metadata(Message m) {
  std::string key, value;
  while (m.next()) {
    if (m.field() == 1) key = m.text();
    if (m.field() == 2) value = m.text();
  }
  model_.metadata[key] = value;
}

void Parser::parse_graph(Message m) {
  check(!has_graph_, export_again, "it has two graphs");
  has_graph_ = true;
  while (m.next()) {
    where_ = "the graph";
    switch (m.field()) {
      case 1:
        parse_node(m.message());
        break;
      case 2:
        model_.graph_name = m.text();
        break;
      case 5: {
        where_ = str("initializer number ", model_.initializers.size());
        NamedTensor t;
        t.tensor = parse_tensor(m.message(), &t.name);
        check(!t.name.empty(), export_again, "it has no name");
        model_.initializers.push_back(std::move(t));
        break;
      }
      case 11:
        model_.inputs.push_back(parse_value(m.message()));
        break;
      case 12:
        model_.outputs.push_back(parse_value(m.message()));
        break;
      case 15:
        check(false, "store it densely", "it has sparse initializers");
        break;
      default:
        break;
    }
  }
}

void Parser::parse_node(Message m) {
  Node node;
  where_ = str("node number ", model_.nodes.size());
  for (Message names = m; names.next();) {  // first what errors name it by
    switch (names.field()) {
      case 1:
        node.inputs.emplace_back(names.text());
        break;
      case 2:
        node.outputs.emplace_back(names.text());
        break;
      case 3:
        node.name = names.text();
        break;
      case 4:
        node.op_type = names.text();
        break;
      case 7:
        node.domain = names.text();
        break;
      default:
        break;
    }
  }
  if (node.domain == "ai.onnx") node.domain.clear();
  const std::string here =
      node.name.empty() ? str(where_, " (", node.op_type, ")")
                        : str("node '", printable(node.name), "' (", printable(node.op_type), ")");
  while (m.next()) {
    where_ = here;
    if (m.field() == 5) parse_attribute(m.message(), node);
  }
  model_.nodes.push_back(std::move(node));
}

void Parser::parse_attribute(Message m, Node& node) {
  std::string name;
  for (Message names = m; names.next();) {
    if (names.field() == 1) name = names.text();
  }
  where_ += str(": attribute '", printable(name), "'");
  check(node.attributes.emplace(name, value_of(name, m)).second, export_again, "it appears twice");
}

/// The value that the message says it has, or else the one that is there.
AttributeValue Parser::value_of(const std::string& name, Message m) {
  enum Type : int64_t { unknown, single, integer, text, tensor, graph, singles, integers, texts };
  int64_t type = unknown;
  std::optional<AttributeValue> alone;
  std::vector<float> floats;
  std::vector<int64_t> ints;
  std::vector<std::string> strings;
  while (m.next()) {
    switch (m.field()) {
      case 2:
        alone = m.single();
        break;
      case 3:
        alone = m.integer();
        break;
      case 4:
        alone = std::string(m.text());
        break;
      case 5:
        alone = parse_tensor(m.message(), nullptr);
        break;
      case 6:
      case 11:
        check(false, "export it without control flow", "subgraphs are not supported");
        break;
      case 7:
        m.append_to(floats);
        break;
      case 8:
        m.append_to(ints);
        break;
      case 9:
        strings.emplace_back(m.text());
        break;
      case 20:
        type = m.integer();
        break;
      case 10:
      case 14:
      case 15:
      case 21:
      case 22:
      case 23:
        check(false, "", "has a kind of value that is not supported");
        break;
      default:
        break;  // name, documentation
    }
  }
  const auto is = [type](Type wanted, bool there) {
    return type == wanted || (type == unknown && there);
  };
  if (is(singles, !floats.empty())) return floats;
  if (is(integers, !ints.empty())) return ints;
  if (is(texts, !strings.empty())) return strings;
  // Zeros may be left out.
  if (!alone && type == single) return 0.0F;
  if (!alone && type == integer) return int64_t{0};
  if (!alone && type == text) return std::string();
  check(alone.has_value(), export_again, "'", name, "' has no value");
  const bool fits = (type == integer && std::holds_alternative<int64_t>(*alone)) ||
                    (type == single && std::holds_alternative<float>(*alone)) ||
                    (type == text && std::holds_alternative<std::string>(*alone)) ||
                    (type == tensor && std::holds_alternative<Tensor>(*alone));
  check(type == unknown || fits, export_again, "has a value of another type than it says");
  return *std::move(alone);
}

Tensor Parser::parse_tensor(Message m, std::string* name) {
  for (Message names = m; name != nullptr && names.next();) {
    if (names.field() == 8) *name = names.text();
  }
  if (name != nullptr && !name->empty()) where_ = str("initializer '", printable(*name), "'");
  std::vector<int64_t> sizes, integers;
  std::vector<float> floats;
  std::vector<double> doubles;
  std::optional<std::span<const std::byte>> raw;
  int64_t code = 0;
  while (m.next()) {
    switch (m.field()) {
      case 1:
        m.append_to(sizes);
        break;
      case 2:
        code = m.integer();
        break;
      case 3:
        check(false, "store it in one piece", "a tensor in segments");
        break;
      case 4:
        m.append_to(floats);
        break;
      case 5:
      case 7:
        m.append_to(integers);
        break;
      case 6:
        check(false, "", "tensors of strings are not supported");
        break;
      case 9:
        raw = m.bytes();
        break;
      case 10:
        m.append_to(doubles);
        break;
      case 13:
      case 14:
        check(m.field() == 14 && m.integer() == 0, "save the model as one file",
              "its data is in another file");
        break;
      default:
        break;
    }
  }
  const ElementType* const type = find_type(code);
  check(type != nullptr,
        "float, double, float16, bfloat16, int64, int32, int16, int8, uint8 and "
        "bool can be read",
        "element type ", code, " is not supported");
  check(sizes.size() <= static_cast<size_t>(Shape::max_dims), "", "it has ", sizes.size(),
        " dimensions; ", Shape::max_dims, " are possible");
  const Shape shape{std::span<const int64_t>(sizes)};
  const auto bytes = bytes_in_file(shape, type->bytes);
  check(bytes.has_value(), export_again, "its shape ", shape, " is impossible");
  if (!raw) return convert(*type, shape, integers, floats, doubles);
  check(raw->size() == *bytes, export_again, "of shape ", shape, " and type ", type->name,
        " needs ", *bytes, " bytes, it has ", raw->size());
  return convert(*type, shape, *raw);
}

/// Elements that the file has as numbers of another type.
template <class From, class To, class Function>
Tensor mapped(const Shape& shape, std::span<const std::byte> raw, const Function& function) {
  Tensor out = Tensor::empty(shape, dtype_v<To>);
  To* to = out.mutable_data<To>();
  for (; raw.size() >= sizeof(From); raw = raw.subspan(sizeof(From))) {
    From from;
    std::memcpy(&from, raw.data(), sizeof(From));
    *to++ = function(from);
  }
  return out;
}

Tensor Parser::convert(const ElementType& type, const Shape& shape,
                       std::span<const std::byte> raw) const {
  const auto widened = [](auto number) { return static_cast<int32_t>(number); };
  switch (type.code) {
    case int8_code:
      return mapped<int8_t, int32_t>(shape, raw, widened);
    case int16_code:
      return mapped<int16_t, int32_t>(shape, raw, widened);
    case half_code:
      return mapped<uint16_t, float>(shape, raw, from_half);
    case bfloat_code:
      return mapped<uint16_t, float>(shape, raw, from_bfloat16);
    default:
      break;
  }
  Tensor out = Tensor::empty(shape, type.dtype);
  std::ranges::copy(raw, mutable_bytes_of(out).begin());
  check(has_valid_bools(out), export_again, "it has a bool other than 0 and 1");
  return out;
}

/// The same from the lists of numbers, of which a tensor uses the one for its type.
Tensor Parser::convert(const ElementType& type, const Shape& shape,
                       const std::vector<int64_t>& integers, const std::vector<float>& floats,
                       const std::vector<double>& doubles) const {
  const auto check_count = [&](size_t count) {
    check(count == static_cast<size_t>(shape.numel()), export_again, "of shape ", shape, " has ",
          count, " elements");
  };
  if (type.dtype == float64) return check_count(doubles.size()), gradus::tensor(doubles, shape);
  if (type.code == 1) return check_count(floats.size()), gradus::tensor(floats, shape);
  check_count(integers.size());
  if (type.dtype == float32) {  // 16 bits, as integers
    const auto raw = std::as_bytes(std::span(integers));
    return mapped<int64_t, float>(shape, raw, [&type](int64_t bits) {
      const auto half = static_cast<uint16_t>(bits);
      return type.code == half_code ? from_half(half) : from_bfloat16(half);
    });
  }
  const auto [low, high] = std::ranges::minmax_element(integers);
  const bool fits = integers.empty() || type.dtype == int64 ||
                    (type.dtype == int32 && *low == static_cast<int32_t>(*low) &&
                     *high == static_cast<int32_t>(*high)) ||
                    (*low >= 0 && *high <= (type.dtype == boolean ? 1 : 255));
  check(fits, export_again, "an element does not fit into ", type.name);
  return gradus::to(gradus::tensor(integers, shape), type.dtype);
}

ValueInfo Parser::parse_value(Message m) {
  ValueInfo value;
  for (Message names = m; names.next();) {
    if (names.field() == 1) value.name = names.text();
  }
  where_ = str("input or output '", printable(value.name), "'");
  while (m.next()) {
    if (m.field() == 2) parse_type(m.message(), value);
  }
  return value;
}

void Parser::parse_type(Message m, ValueInfo& value) {
  while (m.next()) {
    check(m.field() == 1 || m.field() == 6, "nets take and return tensors", "it is not a tensor");
    if (m.field() != 1) continue;
    for (Message tensor = m.message(); tensor.next();) {
      if (tensor.field() == 1) {
        const int64_t code = tensor.integer();
        const ElementType* const type = find_type(code);
        check(type != nullptr || code == 0, "", "element type ", code, " is not supported");
        if (type != nullptr) value.dtype = type->dtype;
      }
      if (tensor.field() == 2) parse_shape(tensor.message(), value);
    }
  }
}

void Parser::parse_shape(Message m, ValueInfo& value) {
  while (m.next()) {
    if (m.field() != 1) continue;
    ValueInfo::Size size = std::string();
    for (Message dimension = m.message(); dimension.next();) {
      if (dimension.field() == 1) size = dimension.integer();
      if (dimension.field() == 2) size = std::string(dimension.text());
    }
    value.shape.push_back(std::move(size));
  }
}

}  // namespace

Model parse_model(std::span<const std::byte> bytes, std::string_view file) {
  return Parser(file).parse(bytes);
}

}  // namespace gradus::onnx
