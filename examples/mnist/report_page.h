// The report of a run as a page, and of several runs side by side.
#pragma once

#include <filesystem>
#include <limits>
#include <string>
#include <vector>

#include "../report/report.h"
#include "run_files.h"

namespace gradus::examples {

/// One run: curves, what it gets wrong, its layers, the net, its configuration. `now`, in seconds
/// since 1970, is the age of a page whose run goes on.
report::Page report_page(RunFiles run, int64_t now);

/// Several runs: best and last values, the options that differ, curves on top of each other.
report::Page comparison_page(const std::vector<RunFiles>& runs);

/// `mnist report`: writes the page of one run, or of several, and prints where. `file` may be
/// empty. Throws IoError.
void report(const std::vector<std::string>& runs, const std::string& file);

/// Writes status.json and report.html in the folder of a run, whose state is `news`; returns the
/// path of the page. Throws IoError.
std::filesystem::path write_report(const std::filesystem::path& run, const training::News& news);

// --- Parts ---

/// @{
/// Sections of the page of one run. What the files do not say is left out.
void add_answers(report::Page& page, const RunFiles& run);
void add_layers(report::Page& page, const RunFiles& run);
void add_net(report::Page& page, const RunFiles& run);
/// @}

/// Which units are dead after the last epoch, and how many were before the first, or that none is;
/// empty if it is not known.
std::string dead_units_text(const RunFiles& run);

/// A point that a curve leaves out.
inline constexpr double missing = std::numeric_limits<double>::quiet_NaN();

/// A setting as text; "–" if it is null. Of digests, the beginning.
std::string setting_text(const nlohmann::json& value);

/// Steps as a curve over epochs (or over steps, while the first epoch lasts), of at most so many
/// points.
report::Curve step_curve(const RunFiles& run, const std::string& value, size_t most_points,
                         bool with_range = false);
/// A value of all epochs, times a factor. Values that are missing leave gaps.
report::Curve epoch_curve(const RunFiles& run, const std::string& value, double factor = 1);
/// 100 (1 - accuracy) of all epochs.
report::Curve error_curve(const RunFiles& run, const std::string& accuracy);

}  // namespace gradus::examples
