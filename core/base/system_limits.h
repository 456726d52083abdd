// How much of the machine a process may use, and has used.
#pragma once

#include <cstddef>
#include <filesystem>

namespace gradus {

/// Bytes of memory of this machine, or the limit of the process's control groups (containers, batch
/// systems; versions 1 and 2) if that is less. SIZE_MAX if nothing is known. `root` is where /proc
/// and /sys are found.
size_t system_memory(const std::filesystem::path& root = "/");

/// The processors that this process may run on, at least 1; fewer if its control groups may use
/// less time than that of so many: 2 for one and a half.
int system_processors(const std::filesystem::path& root = "/");

/// The most bytes of memory that this process has held so far.
size_t peak_memory();

}  // namespace gradus
