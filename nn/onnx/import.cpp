// From the structs of an ONNX file to a module: which nodes are needed, what becomes a parameter,
// and where it is registered.
#include <algorithm>
#include <map>
#include <unordered_set>

#include "../../core/base/error.h"
#include "../../core/io/input_file.h"
#include "imported_net.h"
#include "onnx.h"

namespace gradus::onnx {

namespace {

/// More parts than that no net has: modules are visited recursively.
constexpr size_t max_parts = 32;

std::vector<std::string> parts_of(const std::string& name) {
  std::vector<std::string> parts(1);
  for (const char c : name) {
    if (c == '.') {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  return parts;
}

bool is_constant_node(const Node& node) {
  return node.domain.empty() && node.op_type == "Constant";
}

}  // namespace

template <class... What>
void NetBuilder::check(bool holds, std::string_view hint, const What&... what) const {
  require<IoError>(holds, load_op, hint, "'", file_, "': ", what...);
}

std::unique_ptr<ImportedNet> NetBuilder::build() {
  net_ = std::make_unique<ImportedNet>();
  groups_[""] = net_.get();
  check(model_.inputs.size() == 1,
        "a module takes one tensor: cut the graph, or make the others initializers",
        "the graph has ", model_.inputs.size(), " inputs");
  check(!model_.outputs.empty(), export_again, "the graph has no output");
  find_needed();
  collect_given();
  find_rows();
  find_parameters();
  register_given();
  add_steps();
  release_early();
  finish_types();
  return std::move(net_);
}

/// Only what the first output needs. Nodes come after those whose outputs they use.
void NetBuilder::find_needed() {
  std::unordered_set<std::string_view> names = {model_.outputs[0].name};
  for (auto node = model_.nodes.rbegin(); node != model_.nodes.rend(); ++node) {
    const bool needed = std::ranges::any_of(
        node->outputs, [&](const auto& name) { return !name.empty() && names.contains(name); });
    if (!needed) continue;
    needed_.push_back({&*node, nullptr});
    names.insert(node->inputs.begin(), node->inputs.end());
  }
  std::ranges::reverse(needed_);
}

/// Initializers, Constant nodes, and what Identity nodes make of them: exporters write parameters
/// that happen to be equal as one and copies of it, which are not to be trained as one.
void NetBuilder::collect_given() {
  const auto add = [this](const std::string& name, Given given) {
    check(given_.emplace(name, std::move(given)).second, export_again, "two values have the name '",
          printable(name), "'");
    order_.push_back(name);
  };
  for (NamedTensor& t : model_.initializers) {
    bytes_ += t.tensor.nbytes();
    add(t.name, {std::move(t.tensor), false, -1, {}});
  }
  std::erase_if(needed_, [&](const Needed& needed) {
    const Node& node = *needed.node;
    if (is_constant_node(node)) {
      NodeReader reader(node, model_.opset, file_, *this);
      const Tensor value = constant_of(reader);
      reader.finish();
      reader.check(node.outputs.size() == 1, export_again, "it has ", node.outputs.size(),
                   " outputs");
      add(node.outputs[0], {value, true, -1, {}});
      return true;
    }
    const bool copies = node.domain.empty() && node.op_type == "Identity" &&
                        node.inputs.size() == 1 && node.outputs.size() == 1;
    const auto found = copies ? given_.find(node.inputs[0]) : given_.end();
    if (found == given_.end() || node.outputs[0] == model_.outputs[0].name) return false;
    add(node.outputs[0], {copy(found->second.tensor), found->second.constant, -1, {}});
    return true;
  });
}

/// One error for everything that is not supported.
void NetBuilder::find_rows() {
  struct Missing {
    std::string example;
    int count = 0;
  };
  std::map<std::string, Missing> missing;
  for (Needed& needed : needed_) {
    const Node& node = *needed.node;
    needed.row = find_row(node);
    if (needed.row != nullptr) continue;
    const std::string type = node.domain.empty() ? node.op_type : node.domain + "." + node.op_type;
    auto& [example, count] = missing[type];
    if (count++ == 0) example = name_of(node);
  }
  std::string list;
  constexpr size_t shown = 50;  // more than any real file has
  size_t number = 0;
  for (const auto& [type, what] : missing) {
    if (++number > shown) {
      list += str(" and ", missing.size() - shown, " more");
      break;
    }
    list += str(list.empty() ? "" : ", ", type, " (node '", what.example, "'");
    if (what.count > 1) list += str(" and ", what.count - 1, " more");
    list += ")";
  }
  check(missing.empty(), "docs/onnx.md lists what can be read", "not supported at opset ",
        model_.opset, ": ", printable(list));
  for (const Needed& needed : needed_) check_counts(needed);
}

void NetBuilder::check_counts(const Needed& needed) {
  const auto& [node, row] = needed;
  const NodeReader reader(*node, model_.opset, file_, *this);
  const auto inputs = static_cast<int>(node->inputs.size());
  reader.check(inputs >= row->min_inputs && inputs <= row->max_inputs, export_again, "it has ",
               inputs, " inputs");
  const int needed_inputs = row->max_inputs == OpRow::any ? inputs : row->min_inputs;
  for (int i = 0; i < needed_inputs; ++i) {
    reader.check(reader.has_input(static_cast<size_t>(i)), export_again, "input ", i,
                 " is missing");
  }
}

/// Floating initializers are parameters where a node computes with them, and constants where they
/// tell it how.
void NetBuilder::find_parameters() {
  std::unordered_set<std::string> used, computed_with;
  for (const auto& [node, row] : needed_) {
    for (size_t i = 0; i < node->inputs.size(); ++i) {
      const bool setting = i < 32 && (row->settings >> i & 1U) != 0;
      (setting ? used : computed_with).insert(node->inputs[i]);
    }
  }
  for (auto& [name, given] : given_) {
    const bool in_computation = computed_with.contains(name);
    given.constant = given.constant || !in_computation || !is_floating(given.tensor.dtype());
    const bool needed = in_computation || used.contains(name) || name == model_.outputs[0].name;
    if (!needed) given.tensor = {};
  }
}

Tensor NetBuilder::given(const std::string& name) const {
  const auto found = given_.find(name);
  return found == given_.end() ? Tensor() : found->second.tensor;
}

bool NetBuilder::is_fixed(const std::string& name) const {
  const auto found = given_.find(name);
  return found == given_.end() ? fixed_.contains(name) : found->second.constant;
}

Tensor NetBuilder::copy(const Tensor& given) {
  copied_bytes_ += given.nbytes();
  constexpr int64_t factor = 16, always = int64_t{1} << 20;
  check(copied_bytes_ <= factor * bytes_ + always, "no exporter writes such a file",
        "its nodes make copies of initializers without end");
  return given.clone();
}

// --- Names ---

/// Whether a tensor or a layer can be registered there.
bool NetBuilder::is_free_path(const std::vector<std::string>& parts) const {
  if (parts.size() > max_parts) return false;
  std::string path;
  for (size_t i = 0; i < parts.size(); ++i) {
    if (parts[i].empty()) return false;
    path += (i == 0 ? "" : ".") + parts[i];
    if (taken_.contains(path)) return false;
  }
  return !groups_.contains(path);
}

/// Where "layer1.conv.weight" belongs: modules on the way are made. What is no dotted name, or is
/// taken, is registered in the net itself, without dots and with a number.
NetBuilder::Place NetBuilder::place(const std::string& name) {
  std::vector<std::string> parts = parts_of(name);
  if (!is_free_path(parts)) {
    std::string flat = name.empty() ? "_" : name;
    std::ranges::replace(flat, '.', '_');
    parts = {flat};
    int& count = counts_[flat];  // so that many equal names take no quadratic time
    for (count = std::max(count, 1); !is_free_path(parts);) parts = {str(flat, "_", ++count)};
  }
  Group* group = net_.get();
  std::string path;
  for (size_t i = 0; i + 1 < parts.size(); ++i) {
    path += (i == 0 ? "" : ".") + parts[i];
    Group*& next = groups_[path];
    if (next == nullptr) {
      next = &static_cast<Group&>(group->add_child(parts[i], std::make_unique<Group>()));
    }
    group = next;
  }
  taken_.insert(path.empty() ? parts.back() : path + "." + parts.back());
  return {group, path, parts.back()};
}

void NetBuilder::add_layer(const std::string& path, std::unique_ptr<nn::Module> layer) {
  const Place at = place(path);
  at.group->add_child(at.name, std::move(layer));
  layer_group_ = at.path;
}

void NetBuilder::register_given() {
  for (const std::string& name : order_) {
    Given& given = given_.at(name);
    if (!given.constant) {
      const Place at = place(name);
      given.tensor = at.group->add_parameter(at.name, given.tensor);
      given.group = at.path;
    }
    given.number = static_cast<int>(net_->fixed_.size());
    net_->fixed_.push_back({given.tensor, given.constant});
    net_->constants_.push_back(given.constant ? given.tensor : Tensor());
  }
  net_->values_ = static_cast<int>(net_->fixed_.size());
}

// --- Steps ---

int NetBuilder::number_of(const std::string& name, const NodeReader& reader) const {
  if (name.empty()) return -1;
  if (const auto found = given_.find(name); found != given_.end()) return found->second.number;
  const auto found = numbers_.find(name);
  reader.check(found != numbers_.end(), export_again, "it uses '", printable(name),
               "', which nothing before it computes");
  return found->second;
}

void NetBuilder::add_steps() {
  net_->input_ = model_.inputs[0];
  numbers_[net_->input_.name] = net_->values_++;
  for (const Needed& needed : needed_) add_step(needed);
  const std::string& result = model_.outputs[0].name;
  const auto found = numbers_.find(result);
  check(found != numbers_.end() || given_.contains(result), export_again,
        "nothing computes the output '", printable(result), "'");
  net_->result_ = found != numbers_.end() ? found->second : given_.at(result).number;
}

void NetBuilder::add_step(const Needed& needed) {
  const Node& node = *needed.node;
  NodeReader reader(node, model_.opset, file_, *this);
  layer_group_.reset();
  ImportedNet::Step step;
  step.compute = needed.row->build(reader);
  reader.finish();
  step.node = name_of(node);
  std::optional<std::string> scope = layer_group_;
  for (const std::string& name : node.inputs) {
    step.inputs.push_back(number_of(name, reader));
    const auto found = given_.find(name);
    const bool is_parameter = found != given_.end() && !found->second.constant;
    if (!scope && is_parameter) scope = found->second.group;
  }
  step.scope = scope.value_or(step.node);
  for (size_t i = 0; i < node.outputs.size(); ++i) {
    const std::string& name = node.outputs[i];
    const bool can_be_used = static_cast<int>(i) < needed.row->outputs;
    step.outputs.push_back(name.empty() || !can_be_used ? -1 : net_->values_);
    if (step.outputs.back() < 0) continue;
    reader.check(!given_.contains(name) && numbers_.emplace(name, net_->values_).second,
                 export_again, "another value has the name of its output '", printable(name), "'");
    ++net_->values_;
  }
  const bool is_size = node.op_type == "Shape" || node.op_type == "Size";
  const auto fixed = [this](const auto& name) { return name.empty() || is_fixed(name); };
  if (is_size || std::ranges::all_of(node.inputs, fixed)) {
    fixed_.insert(node.outputs.begin(), node.outputs.end());
  }
  net_->drops_ = net_->drops_ || node.op_type == "Dropout";
  net_->steps_.push_back(std::move(step));
}

/// Notes after which step each value is needed no more.
void NetBuilder::release_early() {
  std::unordered_set<int> seen = {net_->result_};
  const auto fixed = static_cast<int>(net_->fixed_.size());
  for (auto step = net_->steps_.rbegin(); step != net_->steps_.rend(); ++step) {
    for (const auto* list : {&step->inputs, &step->outputs}) {
      for (const int number : *list) {
        if (number >= fixed && seen.insert(number).second) step->unneeded.push_back(number);
      }
    }
  }
}

/// The type that weights have in the file, and with that what follows Module::to.
void NetBuilder::finish_types() {
  for (const NamedTensors& list : {net_->named_parameters(), net_->named_buffers()}) {
    for (const NamedTensor& t : list) {
      if (!net_->first_floating_.defined() && is_floating(t.tensor.dtype())) {
        net_->first_floating_ = t.tensor;
      }
    }
  }
  if (net_->first_floating_.defined()) {
    net_->file_type_ = net_->first_floating_.dtype();
  } else if (is_floating(net_->input_.dtype)) {
    net_->file_type_ = net_->input_.dtype;
  }
  net_->constants_type_ = net_->file_type_;
}

std::unique_ptr<nn::Module> to_module(Model model, const std::string& file) {
  return NetBuilder(std::move(model), file).build();
}

}  // namespace gradus::onnx

namespace gradus::nn {

std::unique_ptr<Module> load_onnx(const std::filesystem::path& path) {
  const auto bytes = read_file(onnx::load_op, path);
  return onnx::to_module(onnx::parse_model(bytes, path.string()), path.string());
}

}  // namespace gradus::nn
