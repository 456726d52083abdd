#include "values.h"

#include <cmath>

#include "../core/base/text.h"

namespace gradus::training {

std::string value_text(const Value& value) {
  const double x = value.number;
  if (value.name.ends_with("accuracy")) return str(value.name, " ", fixed(100 * x, 2), " %");
  return str(value.name, " ", std::abs(x) < 1e6 ? fixed(x, 4) : scientific(x, 3));
}

std::string summary(const Values& values) {
  std::string text, last_group;
  for (const Value& value : values) {
    const size_t end = value.name.find('_');
    const std::string group = end == std::string::npos ? "" : value.name.substr(0, end) + " ";
    const bool goes_on = !text.empty() && group == last_group;
    text += str(goes_on ? ", " : str(text.empty() ? "" : "   ", group),
                value_text({value.name.substr(group.size()), value.number}));
    last_group = group;
  }
  return text;
}

}  // namespace gradus::training
