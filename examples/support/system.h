// What the program runs on.
#pragma once

#include <gradus/train/console.h>

namespace gradus::examples {

/// Version, threads, instruction set and BLAS, and a warning in a build without optimization.
void print_system(training::Console& console);

}  // namespace gradus::examples
