// Numbers and tables for people.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace gradus {

/// Cells as text, one row per line: columns as wide as their widest cell and two spaces apart.
/// `alignment` has a letter for each column, l(eft) or r(ight); rows have as many cells or fewer.
std::string aligned_table(const std::vector<std::vector<std::string>>& rows,
                          std::string_view alignment);

/// A number with `digits` behind the point: 3.14159 as "3.14".
std::string fixed(double number, int digits);

/// Three digits and a prefix: 1234567 and "B" as "1.23 MB".
std::string quantity(double number, const char* unit);

/// The one of `names` that was probably meant by `word`, a few letters of which are wrong; empty
/// where none is that near.
std::string closest_name(std::string_view word, const std::vector<std::string>& names);

}  // namespace gradus
