#include "system_info.h"

#include <fstream>

#include "simd/isa.h"

namespace gradus {

namespace {

std::string processor_name() {
  std::ifstream in("/proc/cpuinfo");
  for (std::string line; std::getline(in, line);) {
    const size_t colon = line.find(": ");
    if (line.starts_with("model name") && colon != std::string::npos) return line.substr(colon + 2);
  }
  return {};
}

}  // namespace

SystemInfo system_info() {
#ifdef __OPTIMIZE__
  constexpr bool optimized = true;
#else
  constexpr bool optimized = false;
#endif
  return {GRADUS_VERSION, processor_name(), kernels::name_of(kernels::isa()), optimized};
}

}  // namespace gradus
