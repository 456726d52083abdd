#include "parse_json.h"

#include <nlohmann/json.hpp>

#include "../core/io/input_file.h"

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

std::string text_of_file(const char* op, const std::filesystem::path& path) {
  std::error_code error;
  if (!std::filesystem::exists(path, error)) return {};
  InputFile file(op, path);
  constexpr uint64_t most = uint64_t{256} << 20;
  file.check(file.size() <= most, "it is no such file of a run", "it has ", file.size(), " bytes");
  std::string text(static_cast<size_t>(file.size()), '\0');
  text.resize(file.read_up_to(text.data(), text.size()));
  return text;
}

std::vector<nlohmann::json> parse_json_lines(const std::string& text) {
  std::vector<nlohmann::json> values;
  for (size_t begin = 0, end = text.find('\n'); end != std::string::npos;
       begin = end + 1, end = text.find('\n', begin)) {
    values.push_back(parse_json(text.substr(begin, end - begin)));
  }
  return values;
}

}  // namespace gradus::training
