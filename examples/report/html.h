// A report as files. The same page gives the same bytes, in every locale.
#pragma once

#include <filesystem>
#include <string>

#include "report.h"

namespace gradus::report {

/// One HTML file that needs nothing else: no network, no script to be readable.
std::string html(const Page& page);

/// Writes it; a file appears complete or not at all.
void write_html(const Page& page, const std::filesystem::path& path);

/// Writes every figure of the page below a folder, for slides: NAME.svg and NAME.csv, and NAME.png
/// if rsvg-convert is installed. Returns whether it is.
bool write_slides(const Page& page, const std::filesystem::path& folder);

}  // namespace gradus::report
