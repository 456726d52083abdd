// Numbers and words as text: the same in every locale, unlike streams and C's functions.
#pragma once

#include <concepts>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace gradus {

namespace detail {
std::string to_text(int64_t number);
std::string to_text(uint64_t number);
/// With six digits at most: "0.1", "1e-07", "nan".
std::string to_text(double number);

template <class T>
void append(std::string& text, const T& value) {
  if constexpr (std::is_same_v<T, char>) {
    text += value;
  } else if constexpr (std::convertible_to<const T&, std::string_view>) {
    text += std::string_view(value);
  } else if constexpr (std::floating_point<T>) {
    text += to_text(static_cast<double>(value));
  } else if constexpr (std::signed_integral<T>) {
    text += to_text(static_cast<int64_t>(value));
  } else if constexpr (std::unsigned_integral<T>) {  // bool, too
    text += to_text(static_cast<uint64_t>(value));
  } else if constexpr (std::is_enum_v<T>) {
    text += name_of(value);
  } else {
    text += value.to_string();
  }
}
}  // namespace detail

/// Concatenates all arguments as text; for messages and names, not for hot paths. Arguments that
/// are neither text nor numbers need a `name_of` or a member `to_string`.
template <class... Args>
std::string str(const Args&... args) {
  std::string text;
  (detail::append(text, args), ...);
  return text;
}

/// A number in as few digits as tell it from all others: "0.1", "1e-05", "0.3333333333333333".
std::string exact(double number);

/// A number with `digits` decimals: 3.14159 as "3.14".
std::string fixed(double number, int digits);

/// A number in scientific notation with `digits` decimals: 314.159 as "3.14e+02".
std::string scientific(double number, int digits);

/// A number with up to `digits` significant digits: 0.333333 as "0.333", 2.0 as "2".
std::string rounded(double number, int digits);

/// Numbers of an array with these sizes in nested parentheses: "((1, 2), (3, 4.5))"; without sizes,
/// the one number.
std::string nested(std::span<const double> numbers, std::span<const int64_t> sizes, int digits = 4);

/// The text as UTF-8 that can be shown and parsed: control characters but tabs and line ends, and
/// bytes that are not UTF-8, become U+FFFD.
std::string printable(std::string_view text);

/// Three digits and a prefix: 1234567 and "B" as "1.23 MB".
std::string quantity(double number, const char* unit);

/// Cells as text, one row per line: columns as wide as their widest cell and two spaces apart.
/// `alignment` has a letter for each column, l(eft) or r(ight); rows have as many cells or fewer.
std::string aligned_table(const std::vector<std::vector<std::string>>& rows,
                          std::string_view alignment);

/// Columns of UTF-8 text, if every character is one column wide.
int columns_of(std::string_view text);

/// A word of a command for a shell: as it is if it may be, otherwise quoted.
std::string shell_word(const std::string& word);

/// Words joined by a separator: "a, b, c".
std::string joined(std::span<const std::string> words, std::string_view separator = ", ");

/// The one of `words` that was probably meant by `word`: it differs only in case or in few letters,
/// or one is a prefix of the other. Empty if there is none.
std::string nearest_word(std::string_view word, std::span<const std::string> words);

}  // namespace gradus
