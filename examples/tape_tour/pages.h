// The pages of the tour: what is computed, and what is said about it.
#pragma once

#include <string>
#include <vector>

namespace tour {

/// What is on the screen at one time: up to 20 lines of 78 columns.
struct Page {
  int chapter;  ///< from 1
  std::string title;
  std::vector<std::string> lines;
};

/// All pages in order. Everything on them is computed here, with the library.
std::vector<Page> all_pages();

}  // namespace tour
