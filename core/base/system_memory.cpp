#include "system_memory.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <string>

namespace gradus {

namespace {

namespace fs = std::filesystem;

size_t physical_memory() {
  const long pages = ::sysconf(_SC_PHYS_PAGES), page = ::sysconf(_SC_PAGESIZE);
  return pages > 0 && page > 0 ? static_cast<size_t>(pages) * static_cast<size_t>(page) : SIZE_MAX;
}

/// The number in a file; SIZE_MAX if there is none ("max").
size_t number_in(const fs::path& file) {
  size_t number = 0;
  return std::ifstream(file) >> number ? number : SIZE_MAX;
}

/// The lowest limit of a group and all groups that contain it. A container sees its own group as
/// the outermost one, whatever it is called outside.
size_t limit_of_group(const fs::path& mounted, fs::path group, const char* file) {
  size_t least = number_in(mounted / file);
  for (group = group.relative_path(); !group.empty(); group = group.parent_path()) {
    least = std::min(least, number_in(mounted / group / file));
  }
  return least;
}

}  // namespace

size_t system_memory(const fs::path& root) {
  const fs::path mounted = root / "sys/fs/cgroup";
  size_t least = physical_memory();
  std::ifstream groups(root / "proc/self/cgroup");
  for (std::string line; std::getline(groups, line);) {  // number:controllers:group
    const size_t first = line.find(':'), second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const fs::path group = line.substr(second + 1);
    if (controllers.empty()) {
      least = std::min(least, limit_of_group(mounted, group, "memory.max"));
    } else if (("," + controllers + ",").find(",memory,") != std::string::npos) {
      least = std::min(least, limit_of_group(mounted / "memory", group, "memory.limit_in_bytes"));
    }
  }
  return least;
}

size_t peak_memory() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<size_t>(usage.ru_maxrss) * 1024;
}

}  // namespace gradus
