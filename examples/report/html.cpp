#include "html.h"

#include <span>

#include <gradus/core/io/atomic_file.h>

namespace gradus::report {

std::string html(const Page& page) {
  return "<!doctype html>\n<meta charset=\"utf-8\">\n<title>" + page.title + "</title>\n";
}

void write_html(const Page& page, const std::filesystem::path& path) {
  const std::string text = html(page);
  write_file_atomically("report", path, {std::as_bytes(std::span(text))});
}

bool write_slides(const Page& /*page*/, const std::filesystem::path& /*folder*/) {
  return false;
}

}  // namespace gradus::report
