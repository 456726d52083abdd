// What the program runs on.
#pragma once

#include <gradus/train/console.h>

namespace gradus::examples {

/// Version, threads and instruction set, and a warning in a build without optimization.
void print_system(training::Console& console);

}  // namespace gradus::examples
