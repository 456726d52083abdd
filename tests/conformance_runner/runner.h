// Runs all cases of folders.
#pragma once

#include "report.h"

namespace gradus::conformance {

struct RunOptions {
  std::vector<std::string> groups;  ///< by name; all where none is given
};

/// Throws Error for a folder that cannot be read, and for a group that no folder has.
Report run_folders(const std::vector<std::filesystem::path>& folders, const RunOptions& options);

/// One case. Never throws: whatever a case throws is its result.
CaseResult run_case(const Case& item);

}  // namespace gradus::conformance
