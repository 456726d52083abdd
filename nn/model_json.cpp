#include "model_json.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <unordered_set>

#include "../core/base/error.h"
#include "../core/base/random.h"
#include "../core/io/input_file.h"
#include "../core/tape.h"
#include "layer_table.h"
#include "norm.h"

namespace gradus::nn {

namespace {

using Json = nlohmann::json;  // finds keys in logarithmic time, also among those of a hostile file
using OrderedJson = nlohmann::ordered_json;  // keeps options in the order of their description

// --- Reading options ---

/// A value as it stands in an error. What is inside of lists and objects is left out: it may be
/// nested so deep that writing it would end the stack.
std::string shown(const Json& value) {
  if (value.is_array()) return str("a list of ", value.size());
  if (value.is_object()) return "an object";
  std::string text = value.dump(-1, ' ', false, Json::error_handler_t::replace);
  if (text.size() > 60) text = text.substr(0, 57) + "...";
  return text;
}

/// "did you mean ...? " where one of the words is near; nothing else. `rest` follows.
std::string suggestion(const std::string& word, std::span<const std::string> words,
                       const std::string& rest) {
  const std::string meant = nearest_word(word, words);
  if (meant.empty()) return rest;
  std::string text = str("did you mean \"", meant, "\"?");
  if (rest.empty()) return text;
  const std::string begin(1, static_cast<char>(std::toupper(static_cast<unsigned char>(rest[0]))));
  return text + " " + begin + rest.substr(1);
}

/// Sets the options that a JSON object has, and refuses what does not fit.
class OptionReader : public OptionVisitor {
 public:
  OptionReader(const char* type, const Json& object) : type_(type), object_(object) {
    if (!object.is_object()) {
      throw ValueError(
          type, str("options must be an object, got ", shown(object)),
          "as in {\"type\": \"Linear\", \"options\": {\"in_features\": 2, \"out_features\": 3}}");
    }
  }

  void operator()(const char* name, bool& value) override {
    read(name, [&](const Json& j) {
      if (!j.is_boolean()) refuse(name, "true or false", j);
      value = j.get<bool>();
    });
  }
  void operator()(const char* name, int64_t& value) override {
    read(name, [&](const Json& j) { value = integer(name, "an integer", j); });
  }
  void operator()(const char* name, double& value) override {
    read(name, [&](const Json& j) { value = number(name, "a number", j); });
  }
  void operator()(const char* name, std::optional<double>& value) override {
    read(name, [&](const Json& j) {
      value = j.is_null() ? std::optional<double>() : number(name, "a number or null", j);
    });
  }
  void operator()(const char* name, std::optional<int64_t>& value) override {
    read(name, [&](const Json& j) {
      value = j.is_null() ? std::optional<int64_t>() : integer(name, "an integer or null", j);
    });
  }
  void operator()(const char* name, Shape& value) override {
    read(name, [&](const Json& j) { value = shape(name, "an integer or a list of integers", j); });
  }
  void unsupported(const char* name, const char* hint) override {
    if (!object_.contains(name)) return;
    throw ValueError(type_, str("unknown option \"", name, "\""), hint);
  }

  /// Throws for options that `describe` did not ask for, and then for those that are missing: of
  /// one that is misspelled, both are true. Call it last.
  void finish() const {
    for (const auto& item : object_.items()) {
      if (std::find(known_.begin(), known_.end(), item.key()) != known_.end()) continue;
      throw ValueError(
          type_, str("unknown option \"", item.key(), "\""),
          known_.empty() ? "it has no options"
                         : suggestion(item.key(), known_, str("its options are ", joined(known_))));
    }
    if (missing_.empty()) return;
    throw ValueError(type_, str("option \"", missing_, "\" is missing"),
                     "to_json() of a net shows the form");
  }

 protected:
  void sizes(const char* name, std::span<int64_t> numbers) override {
    read(name, [&](const Json& j) { fill(name, "an integer or " + list_of(numbers), j, numbers); });
  }
  void optional_sizes(const char* name, bool& given, std::span<int64_t> numbers) override {
    read(name, [&](const Json& j) {
      given = !j.is_null();
      if (given) fill(name, "an integer, " + list_of(numbers) + " or null", j, numbers);
    });
  }
  void padding(const char* name, bool& same, std::span<int64_t> numbers) override {
    read(name, [&](const Json& j) {
      same = j == "same";
      if (same) return;
      if (j == "valid") {
        std::fill(numbers.begin(), numbers.end(), 0);
      } else {
        fill(name, "an integer, " + list_of(numbers) + ", \"same\" or \"valid\"", j, numbers);
      }
    });
  }
  void output_size(const char* name, std::span<std::optional<int64_t>> numbers) override {
    read(name, [&](const Json& j) {
      fill(name, "an integer, null, or " + list_of(numbers) + " of them", j, numbers);
    });
  }
  void require(const char* name) override {
    if (missing_.empty() && !object_.contains(name)) missing_ = name;
  }
  void choose(const char* name, size_t& index, std::span<const char* const> words) override {
    read(name, [&](const Json& j) {
      for (size_t i = 0; i < words.size(); ++i) {
        if (j == words[i]) {
          index = i;
          return;
        }
      }
      refuse(name, "one of " + joined(std::vector<std::string>(words.begin(), words.end())), j);
    });
  }

 private:
  template <class Set>
  void read(const char* name, const Set& set) {
    known_.emplace_back(name);
    if (const auto found = object_.find(name); found != object_.end()) set(*found);
  }

  [[noreturn]] void refuse(const char* name, const std::string& expected, const Json& j) const {
    throw ValueError(type_, str("option \"", name, "\" must be ", expected, ", got ", shown(j)),
                     "options have the names and values of PyTorch");
  }

  int64_t integer(const char* name, const std::string& expected, const Json& j) const {
    const bool fits =
        j.is_number_integer() &&
        !(j.is_number_unsigned() &&
          j.get<uint64_t>() > static_cast<uint64_t>(std::numeric_limits<int64_t>::max()));
    if (!fits) refuse(name, expected, j);
    return j.get<int64_t>();
  }

  double number(const char* name, const char* expected, const Json& j) const {
    if (j == "inf" || j == "-inf") return j == "inf" ? HUGE_VAL : -HUGE_VAL;
    if (j == "nan") return std::numeric_limits<double>::quiet_NaN();
    if (!j.is_number()) refuse(name, expected, j);
    return j.get<double>();
  }

  Shape shape(const char* name, const char* expected, const Json& j) const {
    if (!j.is_array()) return {integer(name, expected, j)};
    if (j.size() > static_cast<size_t>(Shape::max_dims)) refuse(name, expected, j);
    Shape result;
    for (const Json& item : j) result.push_back(integer(name, expected, item));
    return result;
  }

  template <class Number>
  static std::string list_of(std::span<Number> numbers) {
    return str("a list of ", numbers.size());
  }

  /// A list has a number for each dimension; a single one is for all.
  void fill(const char* name, const std::string& expected, const Json& j,
            std::span<int64_t> numbers) const {
    if (j.is_array() && j.size() != numbers.size()) refuse(name, expected, j);
    for (size_t i = 0; i < numbers.size(); ++i) {
      numbers[i] = integer(name, expected, j.is_array() ? j[i] : j);
    }
  }
  void fill(const char* name, const std::string& expected, const Json& j,
            std::span<std::optional<int64_t>> numbers) const {
    if (j.is_array() && j.size() != numbers.size()) refuse(name, expected, j);
    for (size_t i = 0; i < numbers.size(); ++i) {
      const Json& k = j.is_array() ? j[i] : j;
      numbers[i] = k.is_null() ? std::optional<int64_t>() : integer(name, expected, k);
    }
  }

  const char* type_;
  const Json& object_;
  std::vector<std::string> known_;
  std::string missing_;
};

// --- Writing options ---

class OptionWriter : public OptionVisitor {
 public:
  void operator()(const char* name, bool& value) override { result[name] = value; }
  void operator()(const char* name, int64_t& value) override { result[name] = value; }
  void operator()(const char* name, double& value) override { result[name] = json(value); }
  void operator()(const char* name, std::optional<double>& value) override {
    result[name] = value ? json(*value) : OrderedJson();
  }
  void operator()(const char* name, std::optional<int64_t>& value) override {
    result[name] = value ? OrderedJson(*value) : OrderedJson();
  }
  void operator()(const char* name, Shape& value) override {
    result[name] = std::vector<int64_t>(value.begin(), value.end());
  }
  OrderedJson result = OrderedJson::object();

 protected:
  void sizes(const char* name, std::span<int64_t> numbers) override {
    result[name] = json(numbers);
  }
  void optional_sizes(const char* name, bool& given, std::span<int64_t> numbers) override {
    result[name] = given ? json(numbers) : OrderedJson();
  }
  void padding(const char* name, bool& same, std::span<int64_t> numbers) override {
    result[name] = same ? OrderedJson("same") : json(numbers);
  }
  void output_size(const char* name, std::span<std::optional<int64_t>> numbers) override {
    OrderedJson list = OrderedJson::array();
    for (const auto& number : numbers)
      list.push_back(number ? OrderedJson(*number) : OrderedJson());
    result[name] = std::move(list);
  }
  void choose(const char* name, size_t& index, std::span<const char* const> words) override {
    result[name] = words[index];
  }

 private:
  static OrderedJson json(double value) {
    if (!std::isfinite(value)) return str(value);  // "inf", "nan": JSON has no such numbers
    return value;
  }
  /// One number where all are equal.
  static OrderedJson json(std::span<const int64_t> numbers) {
    const bool all_equal =
        std::all_of(numbers.begin(), numbers.end(), [&](int64_t n) { return n == numbers[0]; });
    if (all_equal) return numbers[0];
    return std::vector<int64_t>(numbers.begin(), numbers.end());
  }
};

std::unique_ptr<Module> build_layer(const std::string& type, const Json& options) {
  const LayerType* layer = find_layer_type(type);
  if (layer == nullptr) {
    std::vector<std::string> known = {"Sequential", "Residual"};
    for (std::string& name : layer_types()) known.push_back(std::move(name));
    throw ValueError("from_json", str("unknown layer type \"", type, "\""),
                     suggestion(type, known, "known are " + joined(known)));
  }
  return layer->build([&](const auto& describe) {
    OptionReader reader(layer->name, options);
    describe(reader);
    reader.finish();
  });
}

// --- Reading models ---

constexpr int max_depth = 64;

Sequential build_layers(const Json& list, int depth);

/// The value of a key that must be there.
const Json& member(const Json& object, const char* key) {
  if (const auto found = object.find(key); found != object.end()) return *found;
  const std::vector<std::string> keys = {key};
  for (const auto& item : object.items()) {
    if (nearest_word(item.key(), keys).empty()) continue;
    throw ValueError("from_json", str("unknown key \"", item.key(), "\""),
                     suggestion(item.key(), keys, ""));
  }
  throw ValueError("from_json", str("\"", key, "\" is missing"),
                   "to_json() of a net shows the form");
}

std::string text_of(const Json& value, const char* key) {
  if (value.is_string()) return value.get<std::string>();
  throw ValueError("from_json", str("\"", key, "\" must be a string, got ", shown(value)),
                   "it is the name of a layer or of its type");
}

void check_keys(const Json& object, const std::string& type, const std::vector<std::string>& keys) {
  for (const auto& item : object.items()) {
    if (std::find(keys.begin(), keys.end(), item.key()) != keys.end()) continue;
    throw ValueError("from_json", str("unknown key \"", item.key(), "\" in a layer of type ", type),
                     suggestion(item.key(), keys, "it may have " + joined(keys)));
  }
}

std::unique_ptr<Module> build(const Json& object, int depth) {
  const std::string type = text_of(member(object, "type"), "type");
  if (type == "Sequential") {
    check_keys(object, type, {"name", "type", "layers"});
    return std::make_unique<Sequential>(build_layers(member(object, "layers"), depth + 1));
  }
  if (type == "Residual") {
    check_keys(object, type, {"name", "type", "body", "shortcut"});
    Sequential body = build_layers(member(object, "body"), depth + 1);
    Sequential shortcut =
        object.contains("shortcut") ? build_layers(object["shortcut"], depth + 1) : Sequential();
    return std::make_unique<Residual>(std::move(body), std::move(shortcut));
  }
  check_keys(object, type, {"name", "type", "options"});
  const auto options = object.find("options");
  return options == object.end() ? build_layer(type, Json::object()) : build_layer(type, *options);
}

Sequential build_layers(const Json& list, int depth) {
  if (depth > max_depth) {
    throw ValueError("from_json", str("layers are nested more than ", max_depth, " deep"),
                     "join some of the Sequentials");
  }
  if (!list.is_array()) {
    throw ValueError("from_json", str("expected a list of layers, got ", shown(list)),
                     "\"layers\" is a list of objects, each with a \"type\"");
  }
  Sequential result;
  for (const Json& object : list) {
    std::string name = str(result.size());
    if (!object.is_object()) {
      throw ValueError("from_json", str("layer ", name, " must be an object, got ", shown(object)),
                       "as in {\"type\": \"ReLU\"}");
    }
    if (object.contains("name")) name = text_of(object["name"], "name");
    std::unique_ptr<Module> layer;
    try {
      layer = build(object, depth);
    } catch (Error& error) {
      error.add_module(name);
      throw;
    }
    result.add(name, std::move(layer));
  }
  return result;
}

/// Follows a text's tokens and finds a key that stands twice in one object.
class RepeatedKeys : public nlohmann::json_sax<Json> {
 public:
  std::optional<std::string> found;

  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(int64_t) override { return true; }
  bool number_unsigned(uint64_t) override { return true; }
  bool number_float(double, const std::string&) override { return true; }
  bool string(std::string&) override { return true; }
  bool binary(binary_t&) override { return true; }
  bool start_array(size_t) override { return true; }
  bool end_array() override { return true; }
  bool start_object(size_t) override {
    open_.emplace_back();
    return true;
  }
  bool end_object() override {
    open_.pop_back();
    return true;
  }
  bool key(std::string& name) override {
    if (open_.back().insert(name).second) return true;
    found = name;
    return false;
  }
  bool parse_error(size_t, const std::string&, const Json::exception&) override { return false; }

 private:
  std::vector<std::unordered_set<std::string>> open_;  // the keys of the objects around
};

/// A tree of the text. Of a key that stands twice, it would have only one.
Json parsed(const std::string& text) {
  RepeatedKeys keys;
  Json::sax_parse(text, &keys);
  if (keys.found) {
    throw ValueError("from_json", str("the key \"", *keys.found, "\" stands twice in one object"),
                     "only one of them can count");
  }
  try {
    return Json::parse(text);
  } catch (const Json::exception& error) {
    throw ValueError("from_json", str("not JSON: ", error.what()),
                     "to_json() of a net shows the form");
  }
}

// --- Writing models ---

OrderedJson written(const Module& module);

OrderedJson written_layers(const Module& module) {
  OrderedJson list = OrderedJson::array();
  for (const auto& child : module.children()) {
    try {
      list.push_back(written(*child));
    } catch (Error& error) {
      error.add_module(child->name());
      throw;
    }
  }
  return list;
}

OrderedJson written(const Module& module) {
  OrderedJson result = {{"name", module.name()}, {"type", module.type()}};
  if (const auto* residual = dynamic_cast<const Residual*>(&module)) {
    result["body"] = written_layers(residual->body);
    result["shortcut"] = written_layers(residual->shortcut);
  } else if (dynamic_cast<const Sequential*>(&module) != nullptr) {
    result["layers"] = written_layers(module);
  } else if (find_layer_type(module.type()) != nullptr) {
    OptionWriter writer;
    module.describe(writer);
    result["options"] = std::move(writer.result);
  } else {
    throw ValueError("to_json", str("cannot write a layer of type ", module.type()),
                     "known are Sequential, Residual, " + joined(layer_types()));
  }
  return result;
}

}  // namespace

std::unique_ptr<Sequential> from_json(const std::string& text) {
  const Json model = parsed(text);
  if (!model.is_object()) {
    throw ValueError("from_json", str("a model is an object with \"layers\", got ", shown(model)),
                     "to_json() of a net shows the form");
  }
  return std::make_unique<Sequential>(build_layers(member(model, "layers"), 1));
}

std::unique_ptr<Sequential> from_json_file(const std::filesystem::path& path) {
  constexpr uint64_t most = uint64_t{64} << 20;
  InputFile file("from_json_file", path);
  if (file.size() > most) {
    throw IoError("from_json_file", str("'", path.string(), "' has ", file.size() >> 20, " MiB"),
                  "a model file is a short text; weights go to a file of their own");
  }
  std::string text(file.size(), '\0');
  file.read(text.data(), text.size());
  return from_json(text);
}

std::string to_json(const Sequential& model) {
  OrderedJson result = OrderedJson::object();
  result["layers"] = written_layers(model);
  try {
    return result.dump(2) + "\n";
  } catch (const Json::exception&) {
    throw ValueError("to_json", "a name is not valid UTF-8", "use UTF-8, or plain ASCII");
  }
}

std::unique_ptr<Module> make_layer(const std::string& type, const std::string& options) {
  return build_layer(type, parsed(options));
}

namespace {

/// What a module is beside its options and tensors.
void copy_state(const Module& from, Module& to) {
  const auto sources = from.named_modules();
  const auto targets = to.named_modules();
  for (size_t i = 0; i < sources.size(); ++i) {
    const Module& source = *sources[i].second;
    Module& target = *targets[i].second;
    target.train(source.is_training());
    if (const auto* norm = dynamic_cast<const NormLayer*>(&source)) {
      auto& copy = dynamic_cast<NormLayer&>(target);
      copy.set_form(norm->form());
      copy.freeze({.statistics = norm->has_frozen_statistics()});
    }
  }
  const NamedTensors parameters = from.named_parameters();
  NamedTensors copies = to.named_parameters();
  for (size_t i = 0; i < parameters.size(); ++i) {
    copies[i].tensor.requires_grad_(parameters[i].tensor.requires_grad());
  }
}

}  // namespace

std::unique_ptr<Module> clone(const Module& module) {
  const RandomScope untouched;  // initial values are drawn, and overwritten
  const NoGrad pause;
  std::unique_ptr<Module> copy = build(Json(written(module)), 1);
  const NamedTensors state = module.state_dict();
  const auto is_float = [](const NamedTensor& t) { return is_floating(t.tensor.dtype()); };
  const auto floating = std::find_if(state.begin(), state.end(), is_float);
  if (floating != state.end()) copy->to(floating->tensor.dtype());
  copy->load_state_dict(state);
  copy_state(module, *copy);
  return copy;
}

std::vector<std::string> layer_types() {
  std::vector<std::string> names;
  for (const LayerType& layer : layer_table()) names.emplace_back(layer.name);
  return names;
}

}  // namespace gradus::nn
