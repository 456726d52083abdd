// Checks of what a command line says: their messages say what is possible, and what was probably
// meant. And help that fits terminals.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace gradus::examples {

/// A whole number in this range, in decimal, without signs and leading zeros.
CLI::Validator whole_number(uint64_t least, uint64_t most);
/// A finite number for which `holds`; `range` says which these are.
CLI::Validator finite_number(const std::string& range, const std::function<bool(double)>& holds);
/// One of these words.
CLI::Validator one_of(std::vector<std::string> names);
CLI::Validator not_empty();

/// The option without its value: "--lr=0.1" is "--lr".
std::string name_of(const std::string& argument);

/// A sentence on what was meant by the first word of a command line that is no option and no
/// command; empty where nothing comes near.
std::string suggestion(const CLI::App& app, const std::vector<std::string>& words);

/// Help in lines of at most 80 columns. An app passes it on to commands that are added after it.
class HelpFormatter : public CLI::Formatter {
 public:
  std::string make_description(const CLI::App* app) const override;
  std::string make_option_desc(const CLI::Option* option) const override;
  std::string make_subcommand(const CLI::App* command) const override;
};

}  // namespace gradus::examples
