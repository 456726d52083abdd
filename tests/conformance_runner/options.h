// The options of a case, read by name; what nobody reads is something that is not supported.
#pragma once

#include <optional>
#include <set>
#include <string>

#include "fixture.h"

namespace gradus::conformance {

/// Named words that stand for values of an enumeration.
template <class Enum>
struct Word {
  const char* text;
  Enum value;
};

class Options {
 public:
  Options(const Json& options, NamedTensors tensors);

  bool has(const std::string& name) const;  ///< and is not null
  double number(const std::string& name, std::optional<double> fallback = {});
  std::optional<double> optional_number(const std::string& name);
  int64_t integer(const std::string& name, std::optional<int64_t> fallback = {});
  std::optional<int64_t> optional_integer(const std::string& name);
  bool boolean(const std::string& name, bool fallback);
  std::string text(const std::string& name, std::optional<std::string> fallback = {});
  /// An integer or a list; empty where the option is missing.
  Shape integers(const std::string& name);
  const Json& raw(const std::string& name);
  /// From `option_tensors`; undefined where it is missing.
  Tensor tensor(const std::string& name);

  /// Throws ValueError for a word that is not among them.
  template <class Enum, size_t N>
  Enum choice(const std::string& name, const Word<Enum> (&words)[N]) {
    const std::string given = text(name, words[0].text);
    for (const Word<Enum>& word : words) {
      if (given == word.text) return word.value;
    }
    unknown_word(name, given);
  }

  /// Throws Unsupported for an option that was given and never read.
  void check_all_read() const;

 private:
  [[noreturn]] static void unknown_word(const std::string& name, const std::string& given);

  Json options_;
  NamedTensors tensors_;
  std::set<std::string> read_;
};

/// A JSON number; the string "inf" is infinite.
double number_from(const Json& value);

}  // namespace gradus::conformance
