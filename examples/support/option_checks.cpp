#include "option_checks.h"

#include <gradus/core/base/text.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <sstream>

namespace gradus::examples {

CLI::Validator whole_number(uint64_t least, uint64_t most) {
  const auto check = [least, most](const std::string& text) {
    uint64_t number = 0;
    const char* const end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data(), end, number);
    // A leading 0 would be read as the sign of an octal number.
    const bool plain = error == std::errc() && rest == end && (text == "0" || text[0] != '0');
    if (plain && number >= least && number <= most) return std::string();
    return str("must be a whole number from ", least, " to ", most, ", got ", text);
  };
  return {check, "", "whole number"};
}

CLI::Validator finite_number(const std::string& range, const std::function<bool(double)>& holds) {
  const auto check = [range, holds](const std::string& text) {
    char* end = nullptr;
    const double number = std::strtod(text.c_str(), &end);
    const bool whole = !text.empty() && *end == '\0';
    if (whole && std::isfinite(number) && holds(number)) return std::string();
    return str("must be a finite number ", range, ", got ", text);
  };
  return {check, "", "number"};
}

CLI::Validator one_of(std::vector<std::string> names) {
  const auto check = [names = std::move(names)](const std::string& text) {
    if (std::find(names.begin(), names.end(), text) != names.end()) return std::string();
    const std::string meant = nearest_word(text, names);
    return str("there is no ", text, meant.empty() ? "" : "; did you mean " + meant + "?",
               meant.empty() ? "; there are " : " There are ", joined(names));
  };
  return {check, "", "name"};
}

CLI::Validator not_empty() {
  const auto check = [](const std::string& text) {
    return text.empty() ? std::string("must not be empty") : std::string();
  };
  return {check, "", "not empty"};
}

std::string name_of(const std::string& argument) {
  return argument.substr(0, argument.find('='));
}

std::string suggestion(const CLI::App& app, const std::vector<std::string>& words) {
  std::vector<std::string> commands, options;
  for (const CLI::App* command : app.get_subcommands(nullptr)) {
    commands.push_back(command->get_name());
  }
  const bool has_command =
      !words.empty() && std::find(commands.begin(), commands.end(), words[0]) != commands.end();
  const CLI::App& used = has_command ? *app.get_subcommand(words[0]) : app;
  for (const CLI::Option* option : used.get_options()) options.push_back(option->get_name());
  std::string meant;
  if (!words.empty() && !has_command && !words[0].starts_with('-')) {
    meant = nearest_word(words[0], commands);
  }
  for (const std::string& word : words) {
    const std::string name = name_of(word);
    const bool known = std::find(options.begin(), options.end(), name) != options.end();
    if (meant.empty() && name.starts_with("--") && !known) meant = nearest_word(name, options);
  }
  return meant.empty() ? "" : "Did you mean " + meant + "?";
}

namespace {

/// The text with line breaks between words, so that lines have at most `width` characters.
std::string folded(std::string text, size_t width) {
  for (size_t begin = 0; text.size() - begin > width;) {
    size_t end = text.substr(begin, width + 1).find('\n');
    if (end == std::string::npos) end = text.substr(begin, width + 1).rfind(' ');
    if (end == std::string::npos) break;
    text[begin + end] = '\n';
    begin += end + 1;
  }
  return text;
}

constexpr size_t columns = 80;

}  // namespace

std::string HelpFormatter::make_description(const CLI::App* app) const {
  return folded(CLI::Formatter::make_description(app), columns);
}
std::string HelpFormatter::make_option_desc(const CLI::Option* option) const {
  return folded(option->get_description(), columns - column_width_);
}
std::string HelpFormatter::make_subcommand(const CLI::App* command) const {
  std::ostringstream out;
  CLI::detail::format_help(out, command->get_name(),
                           folded(command->get_description(), columns - column_width_),
                           column_width_);
  return out.str();
}

}  // namespace gradus::examples
