// What the library was built with and runs on.
#pragma once

#include <string>

namespace gradus {

/// What a report of measurements should mention.
struct SystemInfo {
  std::string version;          ///< of Gradus, "0.1.0"
  std::string processor;        ///< "AMD EPYC", as the system calls it; empty if it does not say
  std::string instruction_set;  ///< that the kernels use: "baseline", "avx2" or "avx512"
  bool optimized;               ///< false in a debug build
};
/// Of this build, on this machine.
SystemInfo system_info();

}  // namespace gradus
