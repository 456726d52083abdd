// What the program runs on.
#pragma once

#include <ostream>

namespace gradus::examples {

/// Version, threads, instruction set and BLAS, and a warning in a build without optimization.
void print_system(std::ostream& out);

}  // namespace gradus::examples
