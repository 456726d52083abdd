// Whole files: read at once, written whole or not at all.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <vector>

namespace gradus::data {

/// All bytes of a file. Throws IoError, in the name of `op`, saying whether it is missing, a
/// directory, or not readable.
std::vector<std::byte> read_file(const char* op, const std::filesystem::path& path);

/// Writes to a temporary name beside `path`, flushes to the disk, then renames: another process
/// sees the old file or the new one, never a part. Throws IoError; nothing is left behind then.
void write_file(const char* op, const std::filesystem::path& path,
                std::span<const std::byte> bytes);

}  // namespace gradus::data
