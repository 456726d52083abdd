// What came out of a run, and how it is shown.
#pragma once

#include <iosfwd>

#include "fixture.h"

namespace gradus::conformance {

enum class Status { passed, failed, unsupported };

struct CaseResult {
  std::string id;
  Status status = Status::passed;
  std::string reason;  ///< what differs, or what is missing
};

struct GroupResult {
  std::string name;
  std::vector<CaseResult> cases;
  size_t count(Status status) const;
};

struct Report {
  std::vector<GroupResult> groups;
  size_t count(Status status) const;
};

/// Per group `passed failed unsupported`, the first failures in full, unsupported cases by reason,
/// and a summary line.
void print(std::ostream& out, const Report& report, bool verbose);
Json to_json(const Report& report);
/// True where something ran and all of it passed; unsupported cases count as failed unless allowed.
bool succeeded(const Report& report, bool allow_unsupported);

}  // namespace gradus::conformance
