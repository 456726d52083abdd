// Style and script of pages: the files chart.css, page.css and page.js as text.
#pragma once

namespace gradus::report {

extern const char* const chart_css;  ///< of pictures, also of those that are files
extern const char* const page_css;
extern const char* const page_js;

}  // namespace gradus::report
