#include "text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <utility>

namespace gradus {

namespace {

template <class Number>
std::string converted(Number number) {
  std::array<char, 32> buffer;
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), number).ptr;
  return {buffer.data(), end};
}

std::string converted(double number, std::chars_format format, int digits) {
  if (std::isnan(number)) return "nan";  // to_chars writes its sign, too
  constexpr size_t most = 320;           // of the digits of 1e308, a point and a sign
  std::string text(most + static_cast<size_t>(digits), '\0');
  text.resize(static_cast<size_t>(
      std::to_chars(text.data(), text.data() + text.size(), number, format, digits).ptr -
      text.data()));
  return text;
}

}  // namespace

std::string detail::to_text(int64_t number) {
  return converted(number);
}
std::string detail::to_text(uint64_t number) {
  return converted(number);
}
std::string detail::to_text(double number) {
  return converted(number, std::chars_format::general, 6);
}

std::string exact(double number) {
  if (std::isnan(number)) return "nan";
  return converted(number);
}

std::string fixed(double number, int digits) {
  return converted(number, std::chars_format::fixed, digits);
}

std::string scientific(double number, int digits) {
  return converted(number, std::chars_format::scientific, digits);
}

std::string rounded(double number, int digits) {
  return converted(number, std::chars_format::general, digits);
}

std::string nested(std::span<const double> numbers, std::span<const int64_t> sizes, int digits) {
  if (numbers.empty()) return "";
  if (sizes.empty()) return rounded(numbers[0], digits);
  const auto count = static_cast<size_t>(sizes[0]);
  const size_t step = count == 0 ? 0 : numbers.size() / count;
  std::string text = "(";
  for (size_t i = 0; i < count; ++i) {
    if (i > 0) text += ", ";
    text += nested(numbers.subspan(i * step, step), sizes.subspan(1), digits);
  }
  return text + ")";
}

namespace {

/// Bytes of the character at the beginning of `text`; 0 if that is not UTF-8 or not to be shown.
size_t character_size(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) {
    const bool shown = first == '\t' || first == '\n' || (first >= 0x20 && first != 0x7f);
    return shown ? 1 : 0;
  }
  const size_t size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size() < size) return 0;
  char32_t code = first & (0x7fU >> size);
  for (size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xc0U) != 0x80) return 0;
    code = code << 6U | (byte(i) & 0x3fU);
  }
  constexpr std::array<char32_t, 5> least = {0, 0, 0xa0, 0x800, 0x10000};  // shorter would do
  const bool surrogate = code >= 0xd800 && code < 0xe000;
  const bool no_character = code == 0xfffe || code == 0xffff;
  return code < least[size] || code > 0x10ffff || surrogate || no_character ? 0 : size;
}

}  // namespace

std::string printable(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  while (!text.empty()) {
    const size_t size = character_size(text);
    result += size == 0 ? std::string_view("\xef\xbf\xbd") : text.substr(0, size);
    text.remove_prefix(std::max<size_t>(size, 1));
  }
  return result;
}

std::string quantity(double number, const char* unit) {
  const char* const prefixes[] = {"", "k", "M", "G", "T"};
  size_t p = 0;
  while (number >= 1000 && p + 1 < std::size(prefixes)) {
    number /= 1000;
    ++p;
  }
  const int digits = p == 0 || number >= 100 ? 0 : number >= 10 ? 1 : 2;
  return fixed(number, digits) + " " + prefixes[p] + unit;
}

int columns_of(std::string_view text) {
  return static_cast<int>(
      std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

std::string shell_word(const std::string& word) {
  const bool is_plain = !word.empty() && std::all_of(word.begin(), word.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("_-./=,:+@%").find(c) != std::string_view::npos;
  });
  if (is_plain) return word;
  std::string quoted = "'";
  for (const char c : word) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

std::string aligned_table(const std::vector<std::vector<std::string>>& rows,
                          std::string_view alignment) {
  std::vector<size_t> widths(alignment.size(), 0);
  for (const auto& row : rows) {
    for (size_t c = 0; c < row.size(); ++c) {
      widths[c] = std::max(widths[c], static_cast<size_t>(columns_of(row[c])));
    }
  }
  std::string text;
  for (const auto& row : rows) {
    std::string line;
    for (size_t c = 0; c < row.size(); ++c) {
      const std::string padding(widths[c] - static_cast<size_t>(columns_of(row[c])), ' ');
      line += alignment[c] == 'r' ? padding + row[c] : row[c] + padding;
      line += "  ";
    }
    text += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
  }
  return text;
}

std::string joined(std::span<const std::string> words, std::string_view separator) {
  std::string text;
  for (const std::string& word : words) {
    if (!text.empty()) text += separator;
    text += word;
  }
  return text;
}

// --- Corrections of misspelled words ---

namespace {

std::string lower_case(std::string_view word) {
  std::string lower(word);
  for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return lower;
}

/// The edit distance: letters inserted, deleted, changed, or swapped with their neighbour.
size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<size_t>> d(a.size() + 1, std::vector<size_t>(b.size() + 1));
  for (size_t i = 0; i <= a.size(); ++i) {
    for (size_t j = 0; j <= b.size(); ++j) {
      if (i == 0 || j == 0) {
        d[i][j] = i + j;
        continue;
      }
      d[i][j] = std::min(
          {d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      const bool exchanged = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (exchanged) d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
    }
  }
  return d[a.size()][b.size()];
}

}  // namespace

std::string nearest_word(std::string_view given, std::span<const std::string> words) {
  constexpr size_t longest = 64;  // longer ones are not misspelled names, and take quadratic time
  if (given.empty() || given.size() > longest) return "";
  const std::string word = lower_case(given);
  std::string nearest;
  // A prefix counts as one letter away; among equals the letters decide.
  std::pair<size_t, size_t> least = {std::max<size_t>(1, word.size() / 3) + 1, 0};
  for (const std::string& candidate : words) {
    const std::string other = lower_case(candidate);
    const size_t edits = edit_distance(word, other);
    const bool begins = word.size() >= 3 && other.size() >= 3 &&
                        (other.starts_with(word) || word.starts_with(other));
    const std::pair distance(begins ? std::min<size_t>(1, edits) : edits, edits);
    if (distance >= least) continue;
    least = distance;
    nearest = candidate;
  }
  return nearest;
}

}  // namespace gradus
