// Whole files, read at once.
#pragma once

#include <cstddef>
#include <filesystem>
#include <vector>

namespace gradus::data {

/// All bytes of a file. Throws IoError, in the name of `op`, saying whether it is missing, a
/// directory, or not readable.
std::vector<std::byte> read_file(const char* op, const std::filesystem::path& path);

}  // namespace gradus::data
