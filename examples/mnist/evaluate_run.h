// Testing a saved net.
#pragma once

#include "saved_run.h"

namespace gradus::examples {

/// Prints accuracy and loss of the saved net on the test images, of each class too, and what it
/// takes for what.
void evaluate_run(const SavedRunOptions& options);

}  // namespace gradus::examples
