// JSON of files that may be hostile; for .cpp files of this folder and for programs.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace gradus::training {

/// The value that `text` holds; a discarded one (is_discarded()) if it is not JSON, or if it
/// nests deeper than 32 levels, since copying and printing go down the stack with it.
nlohmann::json parse_json(const std::string& text);

}  // namespace gradus::training
