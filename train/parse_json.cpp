#include "parse_json.h"

#include <nlohmann/json.hpp>

namespace gradus::training {

using nlohmann::json;

json parse_json(const std::string& text) {
  constexpr int deepest = 32;
  bool is_deep = false;
  const auto keep = [&](int depth, json::parse_event_t, json&) {
    is_deep = is_deep || depth > deepest;
    return !is_deep;
  };
  json value = json::parse(text, keep, false);
  return is_deep ? json(json::value_t::discarded) : value;
}

}  // namespace gradus::training
