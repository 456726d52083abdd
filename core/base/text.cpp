#include "text.h"

#include <algorithm>
#include <iomanip>
#include <sstream>

namespace gradus {

std::string aligned_table(const std::vector<std::vector<std::string>>& rows,
                          std::string_view alignment) {
  std::vector<size_t> widths(alignment.size(), 0);
  for (const auto& row : rows) {
    for (size_t c = 0; c < row.size(); ++c) widths[c] = std::max(widths[c], row[c].size());
  }
  std::string text;
  for (const auto& row : rows) {
    std::string line;
    for (size_t c = 0; c < row.size(); ++c) {
      const std::string padding(widths[c] - row[c].size(), ' ');
      line += alignment[c] == 'r' ? padding + row[c] : row[c] + padding;
      line += "  ";
    }
    text += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
  }
  return text;
}

std::string fixed(double number, int digits) {
  std::ostringstream out;
  out << std::fixed << std::setprecision(digits) << number;
  return std::move(out).str();
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

namespace {

/// How many letters must be put in, left out, changed, or exchanged with their neighbour.
size_t edits(std::string_view a, std::string_view b) {
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

std::string closest_name(std::string_view word, const std::vector<std::string>& names) {
  constexpr size_t longest = 100;  // of a word that may be a name
  std::string best;
  size_t fewest = std::max<size_t>(1, word.size() / 3) + 1;
  if (word.size() > longest) return best;
  for (const std::string& name : names) {
    const size_t count = edits(word, name);
    if (count < fewest) {
      fewest = count;
      best = name;
    }
  }
  return best;
}

}  // namespace gradus
