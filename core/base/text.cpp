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

}  // namespace gradus
