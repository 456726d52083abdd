// How much memory a process may take.
#pragma once

#include <cstddef>
#include <filesystem>

namespace gradus {

/// Bytes of memory that this machine has, or that the control groups of the process (containers,
/// batch systems; versions 1 and 2) leave it, where that is less. SIZE_MAX if nothing is known.
/// `root` is where /proc and /sys are found.
size_t system_memory(const std::filesystem::path& root = "/");

}  // namespace gradus
