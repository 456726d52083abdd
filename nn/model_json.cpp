#include "model_json.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>

#include "../core/base/error.h"
#include "../core/base/random.h"
#include "../core/io/input_file.h"
#include "../core/tape.h"
#include "norm.h"

namespace gradus::nn {

namespace {

/// The keys of an object and their values. Of a key that appears twice, it would have only one. It
/// finds keys in logarithmic time, even those of a hostile file.
template <class Key, class Value, class... Others>
struct Keys : std::map<Key, Value, Others...> {
  using std::map<Key, Value, Others...>::map;
  /// The parser adds each key by this.
  Value& operator[](const Key& key) {
    const auto [place, is_new] = this->try_emplace(key);
    require(is_new, "from_json", "only one of them can count", "the key \"", key,
            "\" stands twice in one object");
    return place->second;
  }
};
using Json = nlohmann::basic_json<Keys>;
using OrderedJson = nlohmann::ordered_json;  // keeps options in the order of their description

// --- Reading options ---

/// A value as it appears in an error. The content of lists and objects is left out: it may be
/// nested so deep that writing it would end the stack.
struct Shown {
  const Json& value;
  std::string to_string() const {
    if (value.is_array()) return str("a list of ", value.size());
    if (value.is_object()) return "an object";
    std::string text = value.dump(-1, ' ', false, Json::error_handler_t::replace);
    if (text.size() > 60) text = text.substr(0, 57) + "...";
    return text;
  }
};

// Each reads a value, or says that it does not fit.

bool get(const Json& j, bool* value) {
  if (j.is_boolean()) *value = j.get<bool>();
  return j.is_boolean();
}
bool get(const Json& j, int64_t* value) {
  constexpr auto largest = static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
  const bool fits =
      j.is_number_integer() && !(j.is_number_unsigned() && j.get<uint64_t>() > largest);
  if (fits) *value = j.get<int64_t>();
  return fits;
}
bool get(const Json& j, double* value) {
  const bool is_infinite = j == "inf" || j == "-inf", is_nan = j == "nan";
  if (is_infinite) *value = j == "inf" ? HUGE_VAL : -HUGE_VAL;
  if (is_nan) *value = std::numeric_limits<double>::quiet_NaN();
  if (j.is_number()) *value = j.get<double>();
  return is_infinite || is_nan || j.is_number();
}
template <class Number>
bool get(const Json& j, std::optional<Number>* value) {
  Number number = 0;
  const bool fits = j.is_null() || get(j, &number);
  *value = j.is_null() ? std::nullopt : std::optional(number);
  return fits;
}
/// A list has a number for each dimension; a single one is for all.
template <class Number>
bool get(const Json& j, std::span<Number> numbers) {
  bool fit = !j.is_array() || j.size() == numbers.size();
  for (size_t i = 0; fit && i < numbers.size(); ++i) {
    fit = get(j.is_array() ? j[i] : j, &numbers[i]);
  }
  return fit;
}
bool get(const Json& j, Shape* value) {
  const size_t size = j.is_array() ? j.size() : 1;
  if (size > static_cast<size_t>(Shape::max_dims)) return false;
  *value = Shape::filled(static_cast<int>(size), 0);
  return get(j, std::span(value->begin(), value->end()));
}
bool get(const Json& j, const OptionalSizes& sizes) {
  sizes.given = !j.is_null();
  return !sizes.given || get(j, sizes.numbers);
}
bool get(const Json& j, const PaddingSizes& padding) {
  padding.same = j == "same";
  if (j == "valid") std::fill(padding.numbers.begin(), padding.numbers.end(), 0);
  return padding.same || j == "valid" || get(j, padding.numbers);
}
bool get(const Json& j, const Choice& choice) {
  const auto found = std::find(choice.words.begin(), choice.words.end(), j);
  if (found != choice.words.end()) choice.index = static_cast<size_t>(found - choice.words.begin());
  return found != choice.words.end();
}

/// What the functions above accept, in words.
struct Accepted {
  static std::string by(const bool*) { return "true or false"; }
  static std::string by(const int64_t*) { return "an integer"; }
  static std::string by(const double*) { return "a number"; }
  template <class Number>
  static std::string by(const std::optional<Number>*) {
    return by(static_cast<const Number*>(nullptr)) + " or null";
  }
  static std::string by(const Shape*) { return "an integer or a list of integers"; }
  static std::string by(std::span<int64_t> n) { return str("an integer or a list of ", n.size()); }
  static std::string by(std::span<std::optional<int64_t>> numbers) {
    return str("an integer, null, or a list of ", numbers.size(), " of them");
  }
  static std::string by(const OptionalSizes& sizes) {
    return str("an integer, a list of ", sizes.numbers.size(), " or null");
  }
  static std::string by(const PaddingSizes& padding) {
    return str("an integer, a list of ", padding.numbers.size(), ", \"same\" or \"valid\"");
  }
  static std::string by(const Choice& choice) {
    return "one of " + joined(std::vector<std::string>(choice.words.begin(), choice.words.end()));
  }
};

/// Sets the options that a JSON object has, and rejects anything else.
class OptionReader : public OptionVisitor {
 public:
  OptionReader(const char* type, const Json& object) : type_(type), object_(object) {
    gradus::require(
        object.is_object(), type,
        "as in {\"type\": \"Linear\", \"options\": {\"in_features\": 2, \"out_features\": 3}}",
        "options must be an object, got ", Shown{object});
  }

  void unsupported(const char* name, const char* hint) override {
    gradus::require(!object_.contains(name), type_, hint, "unknown option \"", name, "\"");
  }
  /// Throws for options that `describe` did not ask for, and then for those that are missing: of
  /// one that is misspelled, both are true.
  void finish() override {
    for (const auto& item : object_.items()) {
      check_known(type_, "option", item.key(), known_, "its options are ");
    }
    gradus::require(missing_.empty(), type_, "to_json() of a net shows the form", "option \"",
                    missing_, "\" is missing");
  }

 protected:
  void visit(const char* name, const OptionRef& option) override {
    known_.emplace_back(name);
    const auto found = object_.find(name);
    if (found == object_.end()) return;
    std::visit(
        [&](const auto& value) {
          gradus::require(get(*found, value), type_, "options have the names and values of PyTorch",
                          "option \"", name, "\" must be ", Accepted::by(value), ", got ",
                          Shown{*found});
        },
        option);
  }
  void require(const char* name) override {
    if (missing_.empty() && !object_.contains(name)) missing_ = name;
  }

 private:
  const char* type_;
  const Json& object_;
  std::vector<std::string> known_;
  std::string missing_;
};

// --- Writing options ---

template <class Value>
OrderedJson json(const Value& value) {
  return value;
}
OrderedJson json(double value) {
  if (!std::isfinite(value)) return str(value);  // "inf", "nan": JSON has no such numbers
  return value;
}
OrderedJson json(const Shape& value) {
  return std::vector<int64_t>(value.begin(), value.end());
}
/// One number if all are equal.
OrderedJson json(std::span<int64_t> numbers) {
  const bool all_equal =
      std::all_of(numbers.begin(), numbers.end(), [&](int64_t n) { return n == numbers[0]; });
  return all_equal ? OrderedJson(numbers[0]) : json(Shape(numbers));
}
template <class Value>
OrderedJson json(const std::optional<Value>& value) {
  return value ? json(*value) : OrderedJson();
}
OrderedJson json(std::span<std::optional<int64_t>> numbers) {
  OrderedJson list = OrderedJson::array();
  for (const auto& number : numbers) list.push_back(json(number));
  return list;
}

// --- Reading models ---

constexpr int max_depth = 64;
constexpr const char* form_hint = "to_json() of a net shows the form";

Sequential build_layers(const Json& list, const LayerTypes& types, int depth);

/// The value of a key that must be there.
const Json& member(const Json& object, const char* key) {
  if (const auto found = object.find(key); found != object.end()) return *found;
  const std::vector<std::string> keys = {key};
  for (const auto& item : object.items()) {
    if (nearest_word(item.key(), keys).empty()) continue;
    throw ValueError("from_json", str("unknown key \"", item.key(), "\""),
                     suggestion(item.key(), keys, ""));
  }
  throw ValueError("from_json", str("\"", key, "\" is missing"), form_hint);
}

std::string text_of(const Json& value, const char* key) {
  require(value.is_string(), "from_json", "it is the name of a layer or of its type", "\"", key,
          "\" must be a string, got ", Shown{value});
  return value.get<std::string>();
}

void check_keys(const Json& object, const std::string& type, const std::vector<std::string>& keys) {
  for (const auto& item : object.items()) {
    check_known("from_json", "key", item.key(), keys, "it may have ",
                str(" in a layer of type ", type));
  }
}

std::vector<std::string> known_types(const LayerTypes& types) {
  std::vector<std::string> known = {"Sequential", "Residual"};
  for (std::string& name : types.names()) known.push_back(std::move(name));
  return known;
}

std::unique_ptr<Module> build_layer(const std::string& type, const Json& options,
                                    const LayerTypes& types) {
  const LayerType* layer = types.find(type);
  if (layer == nullptr) {
    const std::vector<std::string> known = known_types(types);
    throw ValueError("from_json", str("unknown layer type \"", type, "\""),
                     suggestion(type, known, "known are " + joined(known)));
  }
  OptionReader reader(layer->name, options);
  return layer->build(reader);
}

std::unique_ptr<Module> build(const Json& object, const LayerTypes& types, int depth) {
  const std::string type = text_of(member(object, "type"), "type");
  if (type == "Sequential") {
    check_keys(object, type, {"name", "type", "layers"});
    return std::make_unique<Sequential>(build_layers(member(object, "layers"), types, depth + 1));
  }
  if (type == "Residual") {
    check_keys(object, type, {"name", "type", "body", "shortcut"});
    Sequential body = build_layers(member(object, "body"), types, depth + 1);
    Sequential shortcut = object.contains("shortcut")
                              ? build_layers(object["shortcut"], types, depth + 1)
                              : Sequential();
    return std::make_unique<Residual>(std::move(body), std::move(shortcut));
  }
  check_keys(object, type, {"name", "type", "options"});
  const auto options = object.find("options");
  return options == object.end() ? build_layer(type, Json::object(), types)
                                 : build_layer(type, *options, types);
}

Sequential build_layers(const Json& list, const LayerTypes& types, int depth) {
  require(depth <= max_depth, "from_json", "join some of the Sequentials",
          "layers are nested more than ", max_depth, " deep");
  require(list.is_array(), "from_json", "\"layers\" is a list of objects, each with a \"type\"",
          "expected a list of layers, got ", Shown{list});
  Sequential result;
  for (const Json& object : list) {
    std::string name = str(result.size());
    require(object.is_object(), "from_json", "as in {\"type\": \"ReLU\"}", "layer ", name,
            " must be an object, got ", Shown{object});
    if (object.contains("name")) name = text_of(object["name"], "name");
    std::unique_ptr<Module> layer;
    try {
      layer = build(object, types, depth);
    } catch (Error& error) {
      error.add_module(name);
      throw;
    }
    result.add(name, std::move(layer));
  }
  return result;
}

Json parsed(const std::string& text) {
  try {
    return Json::parse(text);
  } catch (const Json::exception& error) {
    throw ValueError("from_json", str("not JSON: ", error.what()), form_hint);
  }
}

// --- Writing models ---

OrderedJson written(const Module& module, const LayerTypes& types);

OrderedJson written_layers(const Module& module, const LayerTypes& types) {
  OrderedJson list = OrderedJson::array();
  for (const auto& child : module.children()) {
    try {
      list.push_back(written(*child, types));
    } catch (Error& error) {
      error.add_module(child->name());
      throw;
    }
  }
  return list;
}

OrderedJson written(const Module& module, const LayerTypes& types) {
  OrderedJson result = {{"name", module.name()}, {"type", module.type()}};
  if (const auto* residual = dynamic_cast<const Residual*>(&module)) {
    result["body"] = written_layers(residual->body, types);
    result["shortcut"] = written_layers(residual->shortcut, types);
  } else if (dynamic_cast<const Sequential*>(&module) != nullptr) {
    result["layers"] = written_layers(module, types);
  } else if (types.find(module.type()) != nullptr) {
    OrderedJson& options = result["options"] = OrderedJson::object();
    OptionLister writer([&](const char* name, const auto& value) { options[name] = json(value); });
    module.describe(writer);
  } else {
    throw ValueError("to_json", str("cannot write a layer of type ", module.type()),
                     "known are " + joined(known_types(types)));
  }
  return result;
}

}  // namespace

std::unique_ptr<Sequential> from_json(const std::string& text, const LayerTypes& types) {
  const Json model = parsed(text);
  require(model.is_object(), "from_json", form_hint, "a model is an object with \"layers\", got ",
          Shown{model});
  return std::make_unique<Sequential>(build_layers(member(model, "layers"), types, 1));
}

std::unique_ptr<Sequential> from_json_file(const std::filesystem::path& path,
                                           const LayerTypes& types) {
  constexpr uint64_t most = uint64_t{64} << 20;
  InputFile file("from_json_file", path);
  require<IoError>(file.size() <= most, "from_json_file",
                   "a model file is a short text; weights go to a file of their own", "'",
                   path.string(), "' has ", file.size() >> 20, " MiB");
  std::string text(file.size(), '\0');
  file.read(text.data(), text.size());
  return from_json(text, types);
}

std::string to_json(const Sequential& model, const LayerTypes& types) {
  OrderedJson result = OrderedJson::object();
  result["layers"] = written_layers(model, types);
  try {
    return result.dump(2) + "\n";
  } catch (const Json::exception&) {
    throw ValueError("to_json", "a name is not valid UTF-8", "use UTF-8, or plain ASCII");
  }
}

std::unique_ptr<Module> make_layer(const std::string& type, const std::string& options,
                                   const LayerTypes& types) {
  return build_layer(type, parsed(options), types);
}

namespace {

/// The state of a module besides its options and tensors.
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

std::unique_ptr<Module> clone(const Module& module, const LayerTypes& types) {
  const RandomScope untouched;  // initial values are drawn, and overwritten
  const NoGrad pause;
  std::unique_ptr<Module> copy = build(Json(written(module, types)), types, 1);
  const NamedTensors state = module.state_dict();
  const auto is_float = [](const NamedTensor& t) { return is_floating(t.tensor.dtype()); };
  const auto floating = std::find_if(state.begin(), state.end(), is_float);
  if (floating != state.end()) copy->to(floating->tensor.dtype());
  copy->load_state_dict(state);
  copy_state(module, *copy);
  return copy;
}

}  // namespace gradus::nn
