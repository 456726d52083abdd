// From the operations on a tape to the nodes of an ONNX graph. For the .cpp files of nn/onnx.
//
// translate.cpp walks over the tape; the rules, in tables by the names of operations, say what each
// becomes: elementwise_rules.cpp, shape_rules.cpp, layer_rules.cpp, recurrent_rules.cpp.
#pragma once

#include <array>
#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "../../core/tape.h"
#include "../module.h"
#include "model.h"

namespace gradus::onnx {

/// A size: fixed + per_sample * number of samples.
struct TracedSize {
  int64_t fixed = 0, per_sample = 0;
  bool operator==(const TracedSize&) const = default;
};
using TracedShape = std::vector<TracedSize>;

/// What nodes have as input.
struct Value {
  std::string name = {};  ///< in the graph; empty for an optional input that was not given
  TracedShape shape = {};
  DType dtype = float32;
  Tensor constant = {};  ///< undefined for what depends on the input

  size_t dims() const { return shape.size(); }
};

/// The type that a file has for one of the tape: all floating-point numbers are float32.
inline DType file_type(DType dtype) {
  return is_floating(dtype) ? float32 : dtype;
}

class Translation;
/// By so many samples the traces differ: sizes that do not grow in proportion, as half of a batch,
/// do not grow by a multiple of this either.
inline constexpr int64_t more_samples = 7;
using Names = std::vector<std::string>;
using Attributes = std::map<std::string, AttributeValue, std::less<>>;

/// An operation on the tape for a rule to translate: an entry, or a span of entries.
class Operation {
 public:
  /// With the options in both traces, the first and the last but one of its entries, and the one
  /// that gives the result.
  Operation(Translation& graph, std::string_view op, std::array<std::string, 2> options,
            std::string path, size_t first, size_t end, size_t result)
      : graph_(graph),
        op_(op),
        options_(std::move(options)),
        path_(std::move(path)),
        first_(first),
        end_(end),
        result_(result) {}

  std::string_view op() const { return op_; }
  const std::string& path() const { return path_; }
  /// The module whose call it is, for a span.
  const nn::Module& module() const;
  TracedShape output_shape() const;

  /// Input number k of an entry.
  Value in(size_t k) const;
  /// The same for operations that broadcast: with sizes of 1 where the tape expanded it.
  Value broadcast(size_t k) const;
  /// Tensor number k that an entry kept for its rule.
  Value saved(size_t k) const;
  size_t input_count() const;
  /// What a span uses from before it: what depends on the net's input, and the rest.
  struct Outside {
    std::vector<Value> dynamic, constant;
    /// The first constant of a floating-point type with this many dimensions; else without a name.
    Value constant_with(size_t dims) const;
  };
  Outside outside() const;

  bool has(std::string_view name) const;
  std::string text(std::string_view name) const;
  double number(std::string_view name) const;
  int64_t integer(std::string_view name) const { return static_cast<int64_t>(number(name)); }
  /// A list, or a number `n` times.
  std::vector<int64_t> integers(std::string_view name, size_t n = 1) const;

  /// Adds a node and returns the name of its output.
  std::string node(const char* op_type, Names inputs, Attributes attributes = {}) const;
  /// Adds a node with several outputs.
  Names nodes(const char* op_type, Names inputs, Attributes attributes, size_t outputs) const;
  /// Constants: one number, a list of whole numbers, n equal numbers, any tensor.
  /// @{
  std::string scalar(double value) const;
  std::string list(const std::vector<int64_t>& values) const;
  std::string filled(int64_t n, double value) const;
  std::string constant(const Tensor& value, const std::string& name) const;
  /// @}
  /// Reductions have their axes as an attribute before opset 18 and as an input since then.
  std::string reduce(const char* op_type, const std::string& x, const std::vector<int64_t>& axes,
                     bool keepdims) const;
  std::string reshape(const std::string& x, const TracedShape& shape) const;
  std::string slice(const std::string& x, int64_t axis, int64_t begin, int64_t end,
                    int64_t step = 1) const;
  /// A list of sizes, as nodes compute it where it depends on the batch.
  std::string shape_value(const TracedShape& shape) const;

 private:
  Translation& graph_;
  std::string_view op_;
  /// The value of an option; "" if there is none. One that differs between the traces is a problem.
  std::string_view option(std::string_view name) const;

  std::array<std::string, 2> options_;
  std::string path_;
  size_t first_, end_, result_;
};

/// What an operation becomes. Returns the name of the output; "" where a span has to be translated
/// entry by entry instead.
struct Rule {
  const char* op;
  std::string (*translate)(const Operation& operation);
};

/// The rules for entries, and for spans.
/// @{
std::span<const Rule> elementwise_rules();
std::span<const Rule> shape_rules();
std::span<const Rule> layer_rules();
std::span<const Rule> span_rules();
std::span<const Rule> recurrent_rules();
/// @}

/// What a net computed for an input, with all that went into it.
class Trace {
 public:
  Trace(nn::Module& net, const Tensor& example) : input(example.detach()), output(net(input)) {}
  const Tape& tape() const { return tape_; }

 private:
  Tape tape_{{.keep_inputs = true}};

 public:
  const Tensor input, output;
};

/// The graph that is built from two traces, whose batches differ by `more_samples` or not at all.
class Translation {
 public:
  Translation(const nn::Module& net, const Trace& one, const Trace& other, int64_t batch_dim);
  /// Adds everything that the output needs to the model. `input` is what the net gets. Throws
  /// ValueError with all that cannot be translated.
  Value run(Model& model, const Value& input);

 private:
  friend class Operation;

  TracedShape traced(const Shape& one, const Shape& other);
  Value value_of(const Tensor& one, const Tensor& other, bool broadcasts = false);
  Value constant_value(const Tensor& one, const Tensor& other);
  std::string add_constant(const Tensor& value, const std::string& name);
  std::string unique(const std::string& name);
  void problem(const std::string& path, const std::string& what);
  void mark_dynamic();
  void mark_needed();
  bool is_dynamic(const Tensor& tensor) const;
  bool translate_span(size_t entry);
  void translate_entry(size_t entry);
  std::string batch_size();

  const nn::Module& net_;
  const Trace &one_, &other_;
  int64_t batch_dim_;
  Model* model_ = nullptr;
  Value input_;
  std::string path_;  // of what is being translated
  std::vector<char> dynamic_, needed_;
  std::vector<std::string> names_;  // of the values of entries
  size_t next_ = 0;                 // the next entry
  std::map<const void*, std::string> parameter_names_, constant_names_;
  std::set<std::string> taken_;  // names
  std::string batch_size_;
  std::vector<std::string> problems_;
};

}  // namespace gradus::onnx
