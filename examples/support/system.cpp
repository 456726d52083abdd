#include "system.h"

#include <gradus/core/base/parallel_for.h>
#include <gradus/core/base/text.h>
#include <gradus/core/system_info.h>

namespace gradus::examples {

void print_system(training::Console& console) {
  const SystemInfo info = system_info();
  console.say("gradus", str(info.version, ", ", num_threads(),
                            num_threads() == 1 ? " thread, " : " threads, ", info.instruction_set));
  if (!info.optimized) {
    console.say("warning", "this is a debug build and many times slower; use the release preset");
  }
}

}  // namespace gradus::examples
