// Options as text, "stride=2, padding=[1,0]".
#pragma once

#include <concepts>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>

#include "name.h"
#include "text.h"

namespace gradus {

/// The visitor that turns a struct of options into text. Such a struct has
///
///     static void describe(auto& options, auto& visit) {
///       visit("stride", options.stride);
///       visit.choice("mode", options.mode, {"nearest", "linear"});
///     }
class OptionText {
 public:
  template <class T>
  void operator()(const char* name, const T& value) {
    text_ += str(text_.empty() ? "" : ", ", name, "=", of(value));
  }
  /// An option that is one of a few words; word number i names the enumerator of value i.
  template <class Enum>
  void choice(const char* name, Enum value, std::initializer_list<const char*> words) {
    (*this)(name, words.begin()[static_cast<size_t>(value)]);
  }
  const std::string& text() const { return text_; }

 private:
  static std::string of(bool value) { return value ? "true" : "false"; }
  template <class T>
  static std::string of(const std::optional<T>& value) {
    return value ? of(*value) : "none";
  }
  /// One number if all are equal, else a list.
  template <class T>
  static std::string of(std::span<T> values) {
    std::string list;
    bool all_equal = true;
    for (const auto& value : values) {
      all_equal = all_equal && value == values[0];
      list += (list.empty() ? "" : ",") + of(value);
    }
    return all_equal ? of(values[0]) : "[" + list + "]";
  }
  template <class Array>
  requires requires(Array a) { a.fill(a[0]); }
  static std::string of(const Array& values) {
    return of(std::span<const typename Array::value_type>(values));
  }
  /// All digits that tell it from other numbers: what reads the text gets the same option.
  static std::string of(double value) { return exact(value); }
  template <class T>
  static std::string of(const T& value) {
    return str(value);
  }

  std::string text_;
};

/// Whether T can be visited in this way.
template <class T>
concept DescribedOptions = requires(const T& options, OptionText& text) {
  T::describe(options, text);
};

/// `options` as text; "" if T has no `describe`.
template <class T>
std::string option_text(const T& options) {
  OptionText text;
  if constexpr (DescribedOptions<T>) T::describe(options, text);
  return text.text();
}

/// Options that are numbers: `NumberOptions<"beta", "threshold">{{1, 20}}`.
template <Name... names>
struct NumberOptions {
  std::array<double, sizeof...(names)> values;  ///< in the order of the names
  static void describe(auto& options, auto& visit) {
    [[maybe_unused]] auto value = options.values.begin();
    (visit(names.text, *value++), ...);
  }
};

}  // namespace gradus
