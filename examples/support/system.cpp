#include "system.h"

#include <gradus/core/base/parallel_for.h>
#include <gradus/core/system_info.h>

namespace gradus::examples {

void print_system(std::ostream& out) {
  const SystemInfo info = system_info();
  out << "gradus   " << info.version << ", " << num_threads()
      << (num_threads() == 1 ? " thread, " : " threads, ") << info.instruction_set << ", "
      << info.blas << '\n';
  if (!info.optimized) {
    out << "warning  this is a debug build and many times slower; use the release preset\n";
  }
}

}  // namespace gradus::examples
