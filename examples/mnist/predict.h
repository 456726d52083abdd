// Letting a saved net read pictures.
#pragma once

#include <string>
#include <vector>

#include "saved_run.h"

namespace gradus::examples {

/// Prints what the saved net sees in each file: a PNG, JPEG or PGM picture, or "FILE:NUMBER" for an
/// image of an IDX file.
void predict(const SavedRunOptions& options, const std::vector<std::string>& files);

}  // namespace gradus::examples
