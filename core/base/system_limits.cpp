#include "system_limits.h"

#include <sys/resource.h>
#include <unistd.h>

#ifdef __linux__
#include <sched.h>
#endif

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <fstream>
#include <limits>
#include <string>
#include <string_view>
#include <thread>

namespace gradus {

namespace {

namespace fs = std::filesystem;

constexpr double unlimited = std::numeric_limits<double>::infinity();

/// The number in a file; unlimited if there is none ("max").
double number_in(const fs::path& file) {
  double number = 0;
  return std::ifstream(file) >> number ? number : unlimited;
}

/// A quota of processor time by its period, which a file of version 2 has behind it.
double processors_in(const fs::path& quota_and_period) {
  double quota = 0, period = 0;
  std::ifstream file(quota_and_period);
  return file >> quota >> period && period > 0 ? quota / period : unlimited;
}
double processors_in(const fs::path& quota_file, const fs::path& period_file) {
  const double quota = number_in(quota_file), period = number_in(period_file);
  return quota > 0 && period > 0 && period < unlimited ? quota / period : unlimited;
}

/// The least of limit(folder) over the folders of a group and of all groups that contain it. A
/// container sees its own group as the outermost one, whatever it is called outside.
template <class Limit>
double least_of_groups(const fs::path& mounted, fs::path group, const Limit& limit) {
  double least = limit(mounted);
  for (group = group.relative_path(); !group.empty(); group = group.parent_path()) {
    least = std::min(least, limit(mounted / group));
  }
  return least;
}

/// The least limit of the process's control groups that `controller` has: `unified` of a folder of
/// version 2, `legacy` of one of version 1.
template <class Unified, class Legacy>
double least_limit(const fs::path& root, std::string_view controller, const Unified& unified,
                   const Legacy& legacy) {
  const fs::path mounted = root / "sys/fs/cgroup";
  double least = unlimited;
  std::ifstream groups(root / "proc/self/cgroup");
  for (std::string line; std::getline(groups, line);) {  // number:controllers:group
    const size_t first = line.find(':'), second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = "," + line.substr(first + 1, second - first - 1) + ",";
    const fs::path group = line.substr(second + 1);
    if (controllers == ",,") {
      least = std::min(least, least_of_groups(mounted, group, unified));
    } else if (controllers.find("," + std::string(controller) + ",") != std::string::npos) {
      least = std::min(least, least_of_groups(mounted / controller, group, legacy));
    }
  }
  return least;
}

int processors_of_machine() {
#ifdef __linux__
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof(set), &set) == 0) return std::max(1, CPU_COUNT(&set));
#endif
  return static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
}

}  // namespace

size_t system_memory(const fs::path& root) {
  const double limit = least_limit(
      root, "memory", [](const fs::path& group) { return number_in(group / "memory.max"); },
      [](const fs::path& group) { return number_in(group / "memory.limit_in_bytes"); });
  const long pages = ::sysconf(_SC_PHYS_PAGES), page = ::sysconf(_SC_PAGESIZE);
  const double physical =
      pages > 0 && page > 0 ? static_cast<double>(pages) * static_cast<double>(page) : unlimited;
  const double least = std::min(physical, limit);
  return least < 0x1p63 ? static_cast<size_t>(least) : SIZE_MAX;
}

int system_processors(const fs::path& root) {
  const double limit = least_limit(
      root, "cpu", [](const fs::path& group) { return processors_in(group / "cpu.max"); },
      [](const fs::path& group) {
        return processors_in(group / "cpu.cfs_quota_us", group / "cpu.cfs_period_us");
      });
  const int processors = processors_of_machine();
  return limit < processors ? std::max(1, static_cast<int>(std::ceil(limit))) : processors;
}

size_t peak_memory() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<size_t>(usage.ru_maxrss) * 1024;
}

}  // namespace gradus
