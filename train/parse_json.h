// JSON of files that may be hostile; for .cpp files of this folder and for programs.
#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace gradus::training {

/// The value of `text`; a discarded one (is_discarded()) if it is not JSON or nests deeper than 32
/// levels, since copying and printing recurse.
nlohmann::json parse_json(const std::string& text);

/// The text of a file; empty if there is none. Throws IoError in the name of `op` for one that is
/// not a regular file, cannot be read, or is larger than 256 MiB.
std::string text_of_file(const char* op, const std::filesystem::path& path);

/// The values of lines, each as above. A last line without its end was cut off, and is left out.
std::vector<nlohmann::json> parse_json_lines(const std::string& text);

}  // namespace gradus::training
