// Pages on a terminal: single keys, and a screen that is given back as it was.
#pragma once

#include <vector>

#include "pages.h"

namespace tour {

/// True if keys can be read and screens be drawn: standard input and output are a terminal that
/// knows control sequences.
bool is_interactive();

/// Shows the pages one at a time until the reader quits, or a signal asks the program to end.
/// Returns the exit status: 0, or 128 and the number of the signal.
int step_through(const std::vector<Page>& pages);

}  // namespace tour
