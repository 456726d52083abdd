// What is made of results: a summary, a report, a comparison. From the files alone.
#pragma once

#include <filesystem>

#include "../report/report.h"
#include "results.h"

namespace gradus::lab {

/// Every number of every experiment in the folder with its interval, and the verdicts on the
/// claims.
json summary(const std::filesystem::path& folder);
/// Writes it to summary.json in the folder.
void write_summary(const std::filesystem::path& folder);
/// The report of what is in the folder.
report::Page report_page(const std::filesystem::path& folder);
/// A table of the numbers whose intervals in both folders do not overlap, and how many do.
std::string comparison(const std::filesystem::path& a, const std::filesystem::path& b);

}  // namespace gradus::lab
