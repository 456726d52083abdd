#include "translate.h"

#include <algorithm>
#include <charconv>

#include "../../core/base/error.h"

namespace gradus::onnx {

namespace {

/// Where an entry changes nothing that a file in float32 would show.
bool passes_on(const Entry& entry, const Tensor& input) {
  const std::string_view op = entry.op;
  return op == "contiguous" || op == "clone" ||
         (op == "to" && is_floating(entry.dtype) && is_floating(input.dtype()));
}

bool same_elements(const Tensor& a, const Tensor& b) {
  if (a.is_same(b)) return true;
  if (a.shape() != b.shape() || a.dtype() != b.dtype()) return false;
  const NoGrad pause;
  return a.numel() == 0 || to(ne(a, b), float32).sum().item() == 0;
}

const Rule* find_rule(std::initializer_list<std::span<const Rule>> tables, std::string_view op) {
  for (const std::span<const Rule> table : tables) {
    const auto rule =
        std::find_if(table.begin(), table.end(), [op](const Rule& r) { return op == r.op; });
    if (rule != table.end()) return &*rule;
  }
  return nullptr;
}

/// The option of this name in "stride=2, padding=[1,0]"; "" if there is none.
std::string_view option_in(std::string_view options, std::string_view name) {
  for (size_t at = 0; at < options.size();) {
    size_t end = options.find(", ", at);
    end = std::min(end, options.size());
    const std::string_view option = options.substr(at, end - at);
    if (option.starts_with(name) && option.substr(name.size()).starts_with('=')) {
      return option.substr(name.size() + 1);
    }
    at = end + 2;
  }
  return {};
}

}  // namespace

Translation::Translation(const nn::Module& net, const Trace& one, const Trace& other,
                         int64_t batch_dim)
    : net_(net), one_(one), other_(other), batch_dim_(batch_dim), names_(one.tape().size()) {
  for (const auto& tensors : {net.named_parameters(), net.named_buffers()}) {
    for (const auto& [name, tensor] : tensors) {
      parameter_names_.emplace(tensor.id(), name);
      taken_.insert(name);
    }
  }
}

// --- Shapes ---

TracedShape Translation::traced(const Shape& one, const Shape& other) {
  const auto d = static_cast<int>(batch_dim_);
  const int64_t samples = one_.input.size(d), more = other_.input.size(d) - samples;
  TracedShape shape;
  for (int i = 0; i < one.dim(); ++i) {
    const int64_t grows = other[i] - one[i], per_sample = more == 0 ? 0 : grows / more;
    const int64_t fixed = one[i] - per_sample * samples;
    // A square has the chord (2n + 7) N - n (n + 7).
    if (more != 0 && (grows % more != 0 || (per_sample > 1 && fixed < 0))) {
      problem(path_, str("a size of ", one[i], " for ", samples, " samples and of ", other[i],
                         " for ", samples + more, " does not grow in proportion"));
    }
    shape.push_back({fixed, per_sample});
  }
  return shape;
}

std::string Translation::batch_size() {
  if (batch_size_.empty()) {
    const Operation operation(*this, "batch_size", {}, "", 0, 0, 0);
    batch_size_ = operation.node(
        "Gather", {operation.node("Shape", {input_.name}), operation.list({batch_dim_})},
        {{"axis", 0}});
  }
  return batch_size_;
}

std::string Operation::shape_value(const TracedShape& shape) const {
  std::vector<int64_t> fixed;
  Names parts;
  const auto end_fixed = [&] {
    if (!fixed.empty()) parts.push_back(list(fixed));
    fixed.clear();
  };
  for (const TracedSize& size : shape) {
    if (size.per_sample == 0) {
      fixed.push_back(size.fixed);
      continue;
    }
    end_fixed();
    std::string part = graph_.batch_size();
    if (size.per_sample != 1) part = node("Mul", {part, list({size.per_sample})});
    if (size.fixed != 0) part = node("Add", {part, list({size.fixed})});
    parts.push_back(part);
  }
  if (parts.empty()) return list(fixed);
  end_fixed();
  return parts.size() == 1 ? parts[0] : node("Concat", parts, {{"axis", 0}});
}

std::string Operation::reshape(const std::string& x, const TracedShape& shape) const {
  std::vector<int64_t> sizes;
  int unknown = 0;
  bool is_empty = false;
  for (const TracedSize& size : shape) {
    unknown += size.per_sample != 0 ? 1 : 0;
    is_empty = is_empty || (size.per_sample == 0 && size.fixed == 0);
    sizes.push_back(size.per_sample != 0 ? -1 : size.fixed);
  }
  const bool is_list = unknown <= 1 && !is_empty;
  return node("Reshape", {x, is_list ? list(sizes) : shape_value(shape)});
}

// --- Values ---

void Translation::problem(const std::string& path, const std::string& what) {
  const std::string text = path.empty() ? what : str("(", path, ") ", what);
  if (std::find(problems_.begin(), problems_.end(), text) == problems_.end()) {
    problems_.push_back(text);
  }
}

std::string Translation::unique(const std::string& name) {
  std::string own = name;
  for (int number = 2; !taken_.insert(own).second; ++number) own = str(name, "_", number);
  return own;
}

/// Parameters and what is computed of them are initializers; single numbers and whole ones, which
/// are options rather than weights, are constants.
std::string Translation::add_constant(const Tensor& value, const std::string& name) {
  const NoGrad pause;
  const Tensor stored = to(value.detach(), file_type(value.dtype()));
  std::string own = unique(name);
  if (is_floating(value.dtype()) && value.numel() > 1) {
    model_->initializers.push_back({own, contiguous(stored)});
  } else {
    model_->nodes.push_back({"Constant", own, {}, {own}, {{"value", contiguous(stored)}}});
  }
  return own;
}

Value Translation::constant_value(const Tensor& one, const Tensor& other) {
  Value value{"", traced(one.shape(), one.shape()), one.dtype(), one};
  const auto [known, is_new] = constant_names_.try_emplace(one.id());
  if (!is_new) {
    value.name = known->second;
    return value;
  }
  if (!same_elements(one, other)) {
    problem(path_, str("a tensor ", one.shape(),
                       " depends on the input or its batch, and is not on the tape"));
  }
  const auto parameter = parameter_names_.find(one.id());
  if (parameter != parameter_names_.end()) {
    value.name = parameter->second;
    const NoGrad pause;
    model_->initializers.push_back(
        {value.name, contiguous(to(one.detach(), file_type(one.dtype())))});
  } else {
    value.name = add_constant(one, path_.empty() ? "constant" : path_ + ".constant");
  }
  known->second = value.name;
  return value;
}

Value Translation::value_of(const Tensor& one, const Tensor& other, bool broadcasts) {
  if (!one.defined()) return {};
  if (one.is_same(one_.input)) return input_;
  if (one.tape_slot().tape == 0) return constant_value(one, other);
  const auto slot = static_cast<size_t>(one.tape_slot().index);
  const Tape &tape = one_.tape(), &others = other_.tape();
  const Entry& entry = tape[slot];
  const std::string_view op = entry.op;
  const auto source = [&] {
    return value_of(tape.input(slot, 0), others.input(slot, 0), broadcasts);
  };
  if (op == "expand" && broadcasts) return source();
  if (dynamic_[slot] == 0) {
    if (passes_on(entry, tape.input(slot, 0))) return source();
    if (op != "expand" || one.shape() == other.shape()) return constant_value(one, other);
    const Operation operation(*this, op, {}, path_, slot, slot + 1, slot);
    const Value from = value_of(tape.input(slot, 0), others.input(slot, 0));
    const TracedShape shape = traced(one.shape(), other.shape());
    return {operation.node("Expand", {from.name, operation.shape_value(shape)}), shape, from.dtype};
  }
  if (names_[slot].empty()) {
    problem(path_, str("uses the result of ", op, " within an operation that is written as one"));
  }
  return {names_[slot], traced(one.shape(), other.shape()), entry.dtype};
}

// --- What a rule sees ---

const nn::Module& Operation::module() const {
  return path_.empty() ? graph_.net_ : graph_.net_.get_submodule(path_);
}

TracedShape Operation::output_shape() const {
  return graph_.traced(graph_.one_.tape()[result_].shape, graph_.other_.tape()[result_].shape);
}

Value Operation::in(size_t k) const {
  return graph_.value_of(graph_.one_.tape().input(first_, k),
                         graph_.other_.tape().input(first_, k));
}

Value Operation::broadcast(size_t k) const {
  return graph_.value_of(graph_.one_.tape().input(first_, k), graph_.other_.tape().input(first_, k),
                         true);
}

Value Operation::saved(size_t k) const {
  return graph_.value_of(graph_.one_.tape().saved(first_)[k],
                         graph_.other_.tape().saved(first_)[k]);
}

size_t Operation::input_count() const {
  return graph_.one_.tape()[first_].input_count;
}

Operation::Outside Operation::outside() const {
  Outside outside;
  std::vector<const void*> seen;
  const Tape &tape = graph_.one_.tape(), &others = graph_.other_.tape();
  const auto visit = [&](const Tensor& tensor, const Tensor& other) {
    if (!tensor.defined()) return;
    const detail::TapeSlot& slot = tensor.tape_slot();
    const bool inside = slot.tape != 0 && static_cast<size_t>(slot.index) >= first_;
    if (inside || std::find(seen.begin(), seen.end(), tensor.id()) != seen.end()) return;
    seen.push_back(tensor.id());
    if (graph_.is_dynamic(tensor)) {
      outside.dynamic.push_back(graph_.value_of(tensor, other));
    } else {
      // Named only if a rule takes it: masks and the like may differ between the traces.
      outside.constant.push_back(
          {"", graph_.traced(tensor.shape(), tensor.shape()), tensor.dtype(), tensor});
    }
  };
  for (size_t entry = first_; entry < end_; ++entry) {
    if (graph_.needed_[entry] == 0) continue;
    for (size_t k = 0; k < tape[entry].input_count; ++k) {
      visit(tape.input(entry, k), others.input(entry, k));
    }
    const auto saved = tape.saved(entry), other_saved = others.saved(entry);
    for (size_t k = 0; k < saved.size(); ++k) visit(saved[k], other_saved[k]);
  }
  for (Value& value : outside.constant) {
    if (is_floating(value.dtype) && value.dims() > 0) {
      value.name = graph_.value_of(value.constant, value.constant).name;
    }
  }
  return outside;
}

Value Operation::Outside::constant_with(size_t dims) const {
  for (const Value& value : constant) {
    if (!value.name.empty() && value.dims() == dims) return value;
  }
  return {};
}

std::string_view Operation::option(std::string_view name) const {
  const std::string_view value = option_in(options_[0], name);
  if (option_in(options_[1], name) != value) {
    graph_.problem(path_, str(op_, " has a ", name, " that depends on the batch"));
  }
  return value;
}

bool Operation::has(std::string_view name) const {
  const std::string_view value = option(name);
  return !value.empty() && value != "none";
}

std::string Operation::text(std::string_view name) const {
  return std::string(option(name));
}

double Operation::number(std::string_view name) const {
  const std::string_view value = option(name);
  if (value == "true") return 1;
  double number = 0;
  std::from_chars(value.data(), value.data() + value.size(), number);
  return number;
}

std::vector<int64_t> Operation::integers(std::string_view name, size_t n) const {
  std::string_view list = option(name);
  if (!list.starts_with('[')) return std::vector(n, integer(name));
  std::vector<int64_t> numbers;
  list.remove_prefix(1);
  while (list.size() > 1) {
    int64_t number = 0;
    const char* const end = std::from_chars(list.data(), list.data() + list.size(), number).ptr;
    numbers.push_back(number);
    list.remove_prefix(std::min(list.size(), static_cast<size_t>(end - list.data()) + 1));
  }
  return numbers;
}

// --- Nodes ---

Names Operation::nodes(const char* op_type, Names inputs, Attributes attributes,
                       size_t outputs) const {
  const std::string name = graph_.unique(path_.empty() ? op_type : str(path_, ".", op_type));
  Names names = {name};
  for (size_t i = 1; i < outputs; ++i) names.push_back(graph_.unique(name));
  graph_.model_->nodes.push_back({op_type, name, std::move(inputs), names, std::move(attributes)});
  return names;
}

std::string Operation::node(const char* op_type, Names inputs, Attributes attributes) const {
  return nodes(op_type, std::move(inputs), std::move(attributes), 1)[0];
}

std::string Operation::constant(const Tensor& value, const std::string& name) const {
  return graph_.add_constant(value, path_.empty() ? name : str(path_, ".", name));
}

std::string Operation::scalar(double value) const {
  const NoGrad pause;
  return constant(full({}, value), "constant");
}

std::string Operation::list(const std::vector<int64_t>& values) const {
  return constant(tensor(values, {static_cast<int64_t>(values.size())}), "constant");
}

std::string Operation::filled(int64_t n, double value) const {
  const NoGrad pause;
  return constant(full({n}, value), value == 0 ? "zeros" : "ones");
}

std::string Operation::reduce(const char* op_type, const std::string& x,
                              const std::vector<int64_t>& axes, bool keepdims) const {
  const bool by_input = graph_.model_->opset >= 18 || std::string_view(op_type) == "ReduceSum";
  Attributes attributes = {{"keepdims", int64_t{keepdims}}};
  if (by_input) return node(op_type, {x, list(axes)}, attributes);
  attributes.emplace("axes", axes);
  return node(op_type, {x}, attributes);
}

std::string Operation::slice(const std::string& x, int64_t axis, int64_t begin, int64_t end,
                             int64_t step) const {
  return node("Slice", {x, list({begin}), list({end}), list({axis}), list({step})});
}

// --- The walk ---

bool Translation::is_dynamic(const Tensor& tensor) const {
  if (!tensor.defined()) return false;
  if (tensor.is_same(one_.input)) return true;
  const detail::TapeSlot& slot = tensor.tape_slot();
  return slot.tape != 0 && dynamic_[static_cast<size_t>(slot.index)] != 0;
}

void Translation::mark_dynamic() {
  const Tape& tape = one_.tape();
  dynamic_.assign(tape.size(), 0);
  for (size_t entry = 0; entry < tape.size(); ++entry) {
    bool dynamic = false;
    for (size_t k = 0; k < tape[entry].input_count; ++k) {
      dynamic = dynamic || is_dynamic(tape.input(entry, k));
    }
    for (const Tensor& tensor : tape.saved(entry)) dynamic = dynamic || is_dynamic(tensor);
    dynamic_[entry] = dynamic ? 1 : 0;
  }
}

/// What the output depends on: an operation may have computed more than its result.
void Translation::mark_needed() {
  const Tape& tape = one_.tape();
  needed_.assign(tape.size(), 0);
  const auto need = [&](const Tensor& tensor) {
    if (!tensor.defined() || tensor.tape_slot().tape == 0) return;
    needed_[static_cast<size_t>(tensor.tape_slot().index)] = 1;
  };
  need(one_.output);
  for (size_t entry = tape.size(); entry-- > 0;) {
    if (needed_[entry] == 0) continue;
    for (size_t k = 0; k < tape[entry].input_count; ++k) need(tape.input(entry, k));
    for (const Tensor& tensor : tape.saved(entry)) need(tensor);
  }
}

/// Translates a span that begins with this entry as one operation, if there is a rule for one.
bool Translation::translate_span(size_t entry) {
  const Tape& tape = one_.tape();
  for (size_t i = 0; i < tape.spans().size(); ++i) {
    const SpanEntry& span = tape.spans()[i];
    if (span.first != entry || span.output < static_cast<int32_t>(entry)) continue;
    const auto result = static_cast<size_t>(span.output);
    if (result >= span.end || needed_[result] == 0 || dynamic_[result] == 0) continue;
    const Rule* const rule = find_rule({span_rules(), recurrent_rules()}, span.name);
    if (rule == nullptr) continue;
    path_ = tape.path(span);
    const Operation operation(*this, span.name, {span.options, other_.tape().spans()[i].options},
                              path_, span.first, span.end, result);
    names_[result] = rule->translate(operation);
    if (names_[result].empty()) continue;
    next_ = span.end;
    return true;
  }
  return false;
}

void Translation::translate_entry(size_t index) {
  const Tape& tape = one_.tape();
  const Entry& entry = tape[index];
  path_ = tape.path(entry);
  const std::string options = tape.options(entry);
  const std::string other_options = other_.tape().options(other_.tape()[index]);
  const Operation operation(*this, entry.op, {options, other_options}, path_, index, index + 1,
                            index);
  if (passes_on(entry, tape.input(index, 0))) {
    names_[index] = operation.in(0).name;
    return;
  }
  const Rule* const rule = find_rule({elementwise_rules(), shape_rules(), layer_rules()}, entry.op);
  names_[index] = rule != nullptr ? rule->translate(operation) : "";
  if (!names_[index].empty()) return;
  problem(path_, str(entry.op, options.empty() ? "" : " with " + options, " has no equivalent"));
  names_[index] = "unknown";
}

Value Translation::run(Model& model, const Value& input) {
  model_ = &model;
  input_ = input;
  for (const ValueInfo& taken : model.inputs) taken_.insert(taken.name);
  for (const Node& node : model.nodes) taken_.insert(node.name);
  const Tape &tape = one_.tape(), &others = other_.tape();
  bool same_way = tape.size() == others.size() && tape.spans().size() == others.spans().size();
  for (size_t i = 0; same_way && i < tape.size(); ++i) {
    same_way = std::string_view(tape[i].op) == others[i].op;
  }
  require(same_way, "save_onnx", "set batch_dim to nothing for a file with the example's sizes",
          "the net does something else for a batch of ",
          other_.input.size(static_cast<int>(batch_dim_)), " samples than for ",
          one_.input.size(static_cast<int>(batch_dim_)));
  mark_dynamic();
  mark_needed();
  for (const auto& [op, opset, ir] : {std::tuple("group_norm", 21, 10), {"rms_norm", 23, 11}}) {
    for (size_t i = 0; i < tape.size(); ++i) {
      if (std::string_view(tape[i].op) != op || needed_[i] == 0 || dynamic_[i] == 0) continue;
      model.opset = opset;
      model.ir_version = ir;
    }
  }
  for (next_ = 0; next_ < tape.size();) {
    if (translate_span(next_)) continue;
    if (needed_[next_] != 0 && dynamic_[next_] != 0) translate_entry(next_);
    ++next_;
  }
  path_ = "";
  Value output = value_of(one_.output, other_.output);
  output.shape = traced(one_.output.shape(), other_.output.shape());
  if (problems_.empty()) return output;
  std::string all;
  for (const std::string& text : problems_) all += (all.empty() ? "" : "; ") + text;
  throw ValueError("save_onnx", all,
                   "write this part of the net with other operations, or leave it out of the file");
}

}  // namespace gradus::onnx
