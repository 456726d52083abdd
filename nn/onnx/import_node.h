// How the nodes of an ONNX file become computations: a table with a row for each type of node. For
// the .cpp files of nn/onnx.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../../core/ops.h"
#include "../module.h"
#include "model.h"

namespace gradus::onnx {

/// The name of the reader in errors, and the hint of most.
/// @{
inline constexpr const char* load_op = "load_onnx";
inline constexpr const char* export_again =
    "copy it anew if it was damaged on the way, or export it again";
/// @}

using Integers = std::vector<int64_t>;  ///< sizes, axes, places
using Tensors = std::vector<Tensor>;    ///< inputs or outputs of a node

/// One execution of a node.
struct Call {
  std::span<const Tensor> inputs;  ///< undefined where one is left out
  bool training = false;           ///< the mode of the net
  DType file_type = float32;       ///< the type of the weights in the file ...
  DType net_type = float32;        ///< ... and now, after Module::to

  /// Input number i; undefined if there is none.
  Tensor operator[](size_t i) const { return i < inputs.size() ? inputs[i] : Tensor(); }
  bool has(size_t i) const { return i < inputs.size() && inputs[i].defined(); }
  /// What elements of this type in the file are now.
  DType type(DType in_file) const { return in_file == file_type ? net_type : in_file; }
};

/// What a node computes: its outputs, from first to last.
using Compute = std::function<Tensors(const Call&)>;

/// The one output of a node as a function of the call.
template <class F>
Compute one(F function) {
  return [function = std::move(function)](const Call& call) { return Tensors{function(call)}; };
}

/// Registers what a node brings along; part of the net that is being built.
class LayerSink {
 public:
  virtual ~LayerSink() = default;
  /// The tensor that the file has under this name; undefined if it is computed.
  virtual Tensor given(const std::string& name) const = 0;
  /// Whether a value depends on nothing but constants and sizes.
  virtual bool is_fixed(const std::string& name) const = 0;
  /// A copy of a given tensor. Throws IoError if copies take much more than the file.
  virtual Tensor copy(const Tensor& given) = 0;
  /// Registers a layer under a dotted path, or one that resembles it if that is taken.
  virtual void add_layer(const std::string& path, std::unique_ptr<nn::Module> layer) = 0;
};

/// The name of a node; if it has none, that of its first output.
const std::string& name_of(const Node& node);

/// A node while the net is built: its attributes, each of which a row has to ask for. Everything
/// throws IoError, naming the node.
class NodeReader {
 public:
  NodeReader(const Node& node, int64_t opset, std::string file, LayerSink& net)
      : node_(node), opset_(opset), file_(std::move(file)), net_(net) {}

  const Node& node() const { return node_; }
  int64_t opset() const { return opset_; }
  LayerSink& net() const { return net_; }
  bool has_input(size_t i) const { return i < node_.inputs.size() && !node_.inputs[i].empty(); }
  /// Whether input i depends on nothing but constants and sizes.
  bool is_fixed(size_t i) const { return has_input(i) && net_.is_fixed(node_.inputs[i]); }
  bool has(const char* attribute) const { return node_.attributes.contains(attribute); }

  /// Attributes, with the value that they have if they are left out.
  /// @{
  int64_t integer(const char* name, int64_t otherwise);
  bool flag(const char* name, bool otherwise) { return integer(name, otherwise ? 1 : 0) != 0; }
  /// The number that the exporter had, of which the file has the nearest float: 0.1 for 0.1F.
  double number(const char* name, double otherwise);
  std::string text(const char* name, const char* otherwise);
  std::optional<Integers> integers(const char* name);
  std::vector<double> numbers(const char* name);
  std::optional<std::vector<std::string>> texts(const char* name);
  Tensor tensor(const char* name);
  /// @}
  /// One that makes no difference here.
  void ignore(const char* name) { seen_.insert(name); }

  /// Throws unless a condition holds.
  template <class... What>
  void check(bool holds, std::string_view hint, const What&... what) const {
    require<IoError>(holds, load_op, hint, "'", file_, "': node ", to_string(), ": ", what...);
  }
  /// Throws if there is an attribute that nobody asked for: its effect is unknown.
  void finish() const;
  /// "'/conv/Conv' (Conv)".
  std::string to_string() const {
    return printable(str("'", name_of(node_), "' (", node_.op_type, ")"));
  }

 private:
  template <class T>
  const T* find(const char* name);

  const Node& node_;
  int64_t opset_;
  std::string file_;
  LayerSink& net_;
  std::set<std::string, std::less<>> seen_;
};

/// How one type of node is computed.
struct OpRow {
  static constexpr int any = 1 << 20;
  const char* op_type;
  /// Reads the attributes. Throws IoError for what Gradus cannot do exactly.
  Compute (*build)(NodeReader&);
  int min_inputs = 1, max_inputs = 1;
  /// Bit i: input i says how to compute; numbers of the file for it are no parameters.
  uint32_t settings = 0;
  int outputs = 1;  ///< that can be used
};

/// The rows, by family.
/// @{
std::span<const OpRow> elementwise_rows();
std::span<const OpRow> layer_rows();
std::span<const OpRow> pool_rows();
std::span<const OpRow> recurrent_rows();
std::span<const OpRow> reduce_rows();
std::span<const OpRow> shape_rows();
/// @}
/// The row for a type of node; nullptr if there is none.
const OpRow* find_row(const Node& node);

/// The value of a Constant node.
Tensor constant_of(NodeReader& node);

/// The elements of a tensor of integers.
Integers integers_of(const Tensor& x);
/// An int64 tensor [n].
Tensor tensor_of(const Integers& numbers);

/// Numbers that are an attribute in some opsets and an input in others.
class Numbers {
 public:
  Numbers(NodeReader& node, const char* attribute, size_t input)
      : attribute_(node.integers(attribute)), input_(input) {}
  bool is_attribute() const { return attribute_.has_value(); }
  /// Nothing if there are none.
  std::optional<Integers> of(const Call& call) const {
    if (attribute_ || !call.has(input_)) return attribute_;
    return integers_of(call[input_]);
  }

 private:
  std::optional<Integers> attribute_;
  size_t input_;
};

}  // namespace gradus::onnx
