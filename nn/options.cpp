#include "options.h"

#include <algorithm>
#include <cctype>
#include <limits>

#include "../core/base/error.h"

namespace gradus::nn {

bool is_same_padding(std::string_view rule) {
  require(rule == "same" || rule == "valid", "padding",
          "give a number, one number per dimension, \"same\" or \"valid\"", "unknown rule \"", rule,
          "\"");
  return rule == "same";
}

std::string suggestion(const std::string& word, std::span<const std::string> words,
                       const std::string& rest) {
  const std::string meant = nearest_word(word, words);
  if (meant.empty()) return rest;
  std::string text = str("did you mean \"", meant, "\"?");
  if (rest.empty()) return text;
  const std::string begin(1, static_cast<char>(std::toupper(static_cast<unsigned char>(rest[0]))));
  return text + " " + begin + rest.substr(1);
}

void check_known(std::string_view op, std::string_view what, const std::string& word,
                 std::span<const std::string> known, std::string_view list,
                 std::string_view where) {
  if (std::find(known.begin(), known.end(), word) != known.end()) return;
  throw ValueError(op, str("unknown ", what, " \"", word, "\"", where),
                   known.empty() ? str("it has no ", what, "s")
                                 : suggestion(word, known, str(list, joined(known))));
}

namespace {

/// Products of two sizes and small factors stay within 64 bits.
constexpr int64_t largest = std::numeric_limits<int32_t>::max();

template <class Shown>
void check_range(const char* type, const char* option, std::span<const int64_t> values,
                 int64_t least, const Shown& shown) {
  for (const int64_t value : values) {
    require(value >= least, type, least == 0 ? "0 is none" : "sizes, steps and counts start at 1",
            option, " must be at least ", least, ", got ", shown);
    require(value <= largest, type, "layers take sizes of 31 bits", option, " must be at most ",
            largest, ", got ", shown);
  }
}

}  // namespace

void check_at_least(const char* type, const char* option, int64_t value, int64_t least) {
  check_range(type, option, std::span(&value, 1), least, value);
}

void check_at_least(const char* type, const char* option, std::span<const int64_t> values,
                    int64_t least) {
  check_range(type, option, values, least, Shape(values));
}

void check_given(const char* type, const char* option, int64_t value) {
  check_given(type, option, std::span(&value, 1));
}

void check_given(const char* type, const char* option, std::span<const int64_t> values) {
  const auto is_zero = [](int64_t value) { return value == 0; };
  if (std::all_of(values.begin(), values.end(), is_zero)) {
    throw ValueError(type, str(option, " has to be given, and be at least 1"),
                     str("nn::", type, "({.", option, " = ...})"));
  }
  check_at_least(type, option, values, 1);
}

void check_spatial(const char* type, const Tensor& x, int spatial) {
  const char* const layout = spatial == 1 ? "L" : spatial == 2 ? "H,W" : "D,H,W";
  require<ShapeError>(x.dim() == spatial + 1 || x.dim() == spatial + 2, type,
                      "unsqueeze(x, 0) adds channels or a batch of one, flatten() joins dimensions",
                      "expected [N,C,", layout, "] or [C,", layout, "], got ", x.shape());
}

void check_probability(const char* type, const char* option, double p) {
  require(p >= 0 && p <= 1, type, "it is a probability: 0.5 is every second time",  // nor NaN
          option, " must be in [0, 1], got ", p);
}

}  // namespace gradus::nn
