#include "augment.h"

#include <gradus/core/base/error.h>
#include <gradus/core/base/text.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <optional>

namespace gradus::examples {

namespace {

constexpr const char* op = "augment";

struct Kind {
  const char* name;
  double usual, least, most;  ///< amounts
};

enum KindIndex : size_t { shift, rotate, scale, shear, elastic, flip, erase };
constexpr std::array<Kind, 7> kinds = {{{"shift", 2, 0, 1000},
                                        {"rotate", 10, 0, 180},
                                        {"scale", 0.1, 0, 0.9},
                                        {"shear", 10, 0, 80},
                                        {"elastic", 34, 0, 1000},
                                        {"flip", 0.5, 0, 1},
                                        {"erase", 0.5, 0, 1}}};
using Amounts = std::array<std::optional<double>, kinds.size()>;

double parse_amount(const Kind& kind, const std::string& text) {
  char* end = nullptr;
  const double amount = std::strtod(text.c_str(), &end);
  const bool whole = !text.empty() && *end == '\0';
  require(whole && amount >= kind.least && amount <= kind.most, op,
          str(kind.name, " takes a number from ", kind.least, " to ", kind.most), "--augment ",
          kind.name, "=", text, " is not possible");
  return amount;
}

/// Sets the amount that one item of the list, "rotate" or "rotate=15", asks for.
void parse_item(const std::string& item, Amounts& amounts) {
  const size_t equals = item.find('=');
  const std::string name = item.substr(0, equals);
  const auto kind =
      std::find_if(kinds.begin(), kinds.end(), [&](const Kind& k) { return name == k.name; });
  if (kind == kinds.end()) {
    std::vector<std::string> known, usual;
    for (const Kind& k : kinds) {
      known.emplace_back(k.name);
      usual.push_back(str(k.name, "=", k.usual));
    }
    const std::string meant = nearest_word(name, known);
    throw ValueError(
        op, str("unknown --augment ", name),
        str(meant.empty() ? "" : "did you mean " + meant + "? ", "there are ", joined(usual)));
  }
  std::optional<double>& amount = amounts[static_cast<size_t>(kind - kinds.begin())];
  require(!amount, op, "name each transform once", "--augment has ", name, " twice");
  amount = equals == std::string::npos ? kind->usual : parse_amount(*kind, item.substr(equals + 1));
}

}  // namespace

data::Transform parse_augmentation(const std::string& text, double fill) {
  if (text.empty()) return {};
  Amounts of;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find(',', begin), text.size());
    parse_item(text.substr(begin, end - begin), of);
    begin = end + 1;
  }
  data::Compose steps;
  if (of[rotate] || of[scale] || of[shear]) {
    const double factor = of[scale].value_or(0);
    steps.transforms.emplace_back(data::RandomAffine{.degrees = of[rotate].value_or(0),
                                                     .scale = {1 - factor, 1 + factor},
                                                     .shear = of[shear].value_or(0),
                                                     .fill = fill});
  }
  if (of[shift]) {
    const auto pixels = static_cast<int64_t>(*of[shift]);
    steps.transforms.emplace_back(data::RandomShift{.pixels = pixels, .fill = fill});
  }
  if (of[elastic]) {
    steps.transforms.emplace_back(data::ElasticTransform{.alpha = *of[elastic], .fill = fill});
  }
  if (of[flip]) steps.transforms.emplace_back(data::RandomHorizontalFlip{.p = *of[flip]});
  if (of[erase]) steps.transforms.emplace_back(data::RandomErasing{.p = *of[erase], .value = fill});
  return steps;
}

}  // namespace gradus::examples
