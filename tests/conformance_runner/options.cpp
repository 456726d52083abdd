#include "options.h"

#include <limits>

#include "../../core/base/error.h"

namespace gradus::conformance {

double number_from(const Json& value) {
  if (value == "inf") return std::numeric_limits<double>::infinity();
  if (value == "-inf") return -std::numeric_limits<double>::infinity();
  return value.get<double>();
}

Options::Options(const Json& options, NamedTensors tensors)
    : options_(options.is_null() ? Json::object() : options), tensors_(std::move(tensors)) {}

bool Options::has(const std::string& name) const {
  return options_.contains(name) && !options_[name].is_null();
}

const Json& Options::raw(const std::string& name) {
  read_.insert(name);
  static const Json none;
  const auto found = options_.find(name);
  return found == options_.end() ? none : *found;
}

std::optional<double> Options::optional_number(const std::string& name) {
  const Json& value = raw(name);
  return value.is_null() ? std::nullopt : std::optional(number_from(value));
}

double Options::number(const std::string& name, std::optional<double> fallback) {
  const std::optional<double> given = optional_number(name);
  return given ? *given : fallback.value();
}

std::optional<int64_t> Options::optional_integer(const std::string& name) {
  const Json& value = raw(name);
  return value.is_null() ? std::nullopt : std::optional(value.get<int64_t>());
}

int64_t Options::integer(const std::string& name, std::optional<int64_t> fallback) {
  const std::optional<int64_t> given = optional_integer(name);
  return given ? *given : fallback.value();
}

bool Options::boolean(const std::string& name, bool fallback) {
  const Json& value = raw(name);
  return value.is_null() ? fallback : value.get<bool>();
}

std::string Options::text(const std::string& name, std::optional<std::string> fallback) {
  const Json& value = raw(name);
  return value.is_null() ? fallback.value() : value.get<std::string>();
}

Shape Options::integers(const std::string& name) {
  const Json& value = raw(name);
  if (value.is_null()) return {};
  return value.is_array() ? shape_from(value) : Shape{value.get<int64_t>()};
}

Tensor Options::tensor(const std::string& name) {
  read_.insert(name);
  for (const NamedTensor& t : tensors_) {
    if (t.name == name) return t.tensor;
  }
  return {};
}

void Options::check_all_read() const {
  for (const auto& item : options_.items()) {
    if (!read_.contains(item.key())) throw Unsupported("option '" + item.key() + "'");
  }
  for (const NamedTensor& t : tensors_) {
    if (!read_.contains(t.name)) throw Unsupported("option '" + t.name + "'");
  }
}

void Options::unknown_word(const std::string& name, const std::string& given) {
  throw ValueError("options", str("'", given, "' is no value of option '", name, "'"),
                   "its values are those of the enum in C++");
}

}  // namespace gradus::conformance
