#include "import_node.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "../../core/base/error.h"

namespace gradus::onnx {

const std::string& name_of(const Node& node) {
  if (!node.name.empty()) return node.name;
  const auto named = std::ranges::find_if(node.outputs, [](const auto& n) { return !n.empty(); });
  return named == node.outputs.end() ? node.op_type : *named;
}

template <class T>
const T* NodeReader::find(const char* name) {
  seen_.insert(name);
  const auto found = node_.attributes.find(name);
  if (found == node_.attributes.end()) return nullptr;
  const T* const value = std::get_if<T>(&found->second);
  check(value != nullptr, export_again, "attribute '", name, "' has a value of a wrong type");
  return value;
}

int64_t NodeReader::integer(const char* name, int64_t otherwise) {
  const auto* const value = find<int64_t>(name);
  return value != nullptr ? *value : otherwise;
}

namespace {

/// The shortest decimal number whose nearest float this is.
double decimal(float value) {
  std::array<char, 32> text{};
  const auto* const end = std::to_chars(text.data(), text.data() + text.size(), value).ptr;
  double number = static_cast<double>(value);
  std::from_chars(text.data(), end, number);
  return number;
}

}  // namespace

double NodeReader::number(const char* name, double otherwise) {
  const auto* const value = find<float>(name);
  return value != nullptr ? decimal(*value) : otherwise;
}

std::vector<double> NodeReader::numbers(const char* name) {
  const auto* const values = find<std::vector<float>>(name);
  std::vector<double> numbers;
  if (values != nullptr) std::ranges::transform(*values, std::back_inserter(numbers), decimal);
  return numbers;
}

std::string NodeReader::text(const char* name, const char* otherwise) {
  const auto* const value = find<std::string>(name);
  return value != nullptr ? *value : otherwise;
}

std::optional<Integers> NodeReader::integers(const char* name) {
  const auto* const value = find<Integers>(name);
  return value != nullptr ? std::optional(*value) : std::nullopt;
}

std::optional<std::vector<std::string>> NodeReader::texts(const char* name) {
  const auto* const value = find<std::vector<std::string>>(name);
  return value != nullptr ? std::optional(*value) : std::nullopt;
}

Tensor NodeReader::tensor(const char* name) {
  const auto* const value = find<Tensor>(name);
  return value != nullptr ? *value : Tensor();
}

void NodeReader::finish() const {
  for (const auto& [name, value] : node_.attributes) {
    check(seen_.contains(name), "export the net without it", "attribute '", printable(name),
          "' is not supported at opset ", opset_);
  }
}

const OpRow* find_row(const Node& node) {
  if (!node.domain.empty()) return nullptr;
  for (const auto rows : {elementwise_rows(), layer_rows(), pool_rows(), recurrent_rows(),
                          reduce_rows(), shape_rows()}) {
    const auto row = std::ranges::find(rows, std::string_view(node.op_type), &OpRow::op_type);
    if (row != rows.end()) return &*row;
  }
  return nullptr;
}

Tensor constant_of(NodeReader& node) {
  Tensor value = node.tensor("value");
  if (node.has("value_float")) value = full({}, node.number("value_float", 0));
  if (node.has("value_int")) value = tensor({node.integer("value_int", 0)}, {});
  if (const auto list = node.integers("value_ints")) value = tensor_of(*list);
  if (node.has("value_floats")) value = tensor(node.numbers("value_floats")).to(float32);
  node.check(value.defined(), "tensors, numbers and lists of numbers can be read",
             "it has no value that is supported");
  return value;
}

Integers integers_of(const Tensor& x) {
  require<DTypeError>(is_integral(x.dtype()), load_op, "the net computes with sizes as integers",
                      "expected integers, got ", x.dtype());
  return x.to(int64).to_vector<int64_t>();
}

Tensor tensor_of(const Integers& numbers) {
  return tensor(numbers);
}

}  // namespace gradus::onnx
