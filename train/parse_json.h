// JSON of files that may be hostile; for .cpp files of this folder and for programs.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace gradus::training {

/// The value of `text`; a discarded one (is_discarded()) if it is not JSON or nests deeper than 32
/// levels, since copying and printing recurse.
nlohmann::json parse_json(const std::string& text);

}  // namespace gradus::training
