// What the first page of a report says beside the claims: two answers, and six figures at a glance.
#pragma once

#include "../report/report.h"
#include "claims.h"

namespace gradus::lab {

/// Adds both to a page whose sections are complete. Of experiments that were not run, nothing.
void add_first_page(report::Page& page, const ResultsOf& results);

}  // namespace gradus::lab
