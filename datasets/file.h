// Whole files, read at once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <vector>

namespace gradus::data {

/// All bytes of a file. Throws IoError, in the name of `op`, saying whether it is missing, a
/// directory, not readable, or larger than `at_most` bytes, which is found out before memory is
/// taken for them.
std::vector<std::byte> read_file(const char* op, const std::filesystem::path& path,
                                 uint64_t at_most = uint64_t{2} << 30);

}  // namespace gradus::data
