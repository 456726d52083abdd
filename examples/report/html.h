// A report as files. The same page gives the same bytes, in every locale.
#pragma once

#include <filesystem>
#include <string>

#include "report.h"

namespace gradus::report {

/// One HTML file that needs nothing else: no network, and no script to be readable.
std::string html(const Page& page);

/// A figure without its caption as an SVG file, for slides.
std::string svg(const Figure& figure, bool preview);

/// The numbers of a figure as comma-separated values: panel, series, x, y, low, high; of tables the
/// cells.
std::string csv(const Figure& figure);

/// Writes html(page). A file appears complete or not at all.
void write_html(const Page& page, const std::filesystem::path& path);

/// Writes every figure that has panels to draw under its name as an SVG file, and as a PNG file if
/// rsvg-convert is installed. Returns whether it is.
bool write_pictures(const Page& page, const std::filesystem::path& folder);

/// Writes every figure's points under its name as a CSV file.
void write_csv(const Page& page, const std::filesystem::path& folder);

}  // namespace gradus::report
