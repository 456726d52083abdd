#include "report.h"

#include <algorithm>
#include <iomanip>
#include <map>
#include <ostream>

namespace gradus::conformance {
namespace {

constexpr size_t shown_failures = 3;  // per group
constexpr size_t shown_ids = 4;       // per reason

void print_failures(std::ostream& out, const GroupResult& group, bool verbose) {
  size_t shown = 0;
  for (const CaseResult& c : group.cases) {
    if (c.status != Status::failed) continue;
    if (!verbose && shown == shown_failures) {
      out << "  ... and " << group.count(Status::failed) - shown << " more failures\n";
      return;
    }
    ++shown;
    out << "  FAILED " << c.id << "\n    " << c.reason << '\n';
  }
}

void print_unsupported(std::ostream& out, const GroupResult& group, bool verbose) {
  std::map<std::string, std::vector<std::string>> by_reason;
  for (const CaseResult& c : group.cases) {
    if (c.status == Status::unsupported) by_reason[c.reason].push_back(c.id);
  }
  for (const auto& [reason, ids] : by_reason) {
    out << "  unsupported: " << reason << " (" << ids.size() << "):";
    const size_t shown = verbose ? ids.size() : std::min(shown_ids, ids.size());
    for (size_t i = 0; i < shown; ++i) out << ' ' << ids[i];
    out << (shown < ids.size() ? " ...\n" : "\n");
  }
}

const char* name_of(Status status) {
  switch (status) {
    case Status::passed:
      return "passed";
    case Status::failed:
      return "failed";
    case Status::unsupported:
      break;
  }
  return "unsupported";
}

}  // namespace

size_t GroupResult::count(Status status) const {
  return static_cast<size_t>(std::count_if(
      cases.begin(), cases.end(), [status](const CaseResult& c) { return c.status == status; }));
}

size_t Report::count(Status status) const {
  size_t total = 0;
  for (const GroupResult& group : groups) total += group.count(status);
  return total;
}

void print(std::ostream& out, const Report& report, bool verbose) {
  size_t width = 5;
  for (const GroupResult& group : report.groups) width = std::max(width, group.name.size());
  const auto column = static_cast<int>(width);
  out << std::left << std::setw(column) << "group"
      << "  passed failed unsupported\n";
  for (const GroupResult& group : report.groups) {
    out << std::left << std::setw(column) << group.name << std::right << std::setw(8)
        << group.count(Status::passed) << std::setw(7) << group.count(Status::failed)
        << std::setw(12) << group.count(Status::unsupported) << '\n';
    print_failures(out, group, verbose);
    print_unsupported(out, group, verbose);
  }
  out << report.count(Status::passed) << " passed, " << report.count(Status::failed) << " failed, "
      << report.count(Status::unsupported) << " unsupported\n";
}

Json to_json(const Report& report) {
  Json groups = Json::array();
  for (const GroupResult& group : report.groups) {
    Json entry = {
        {"group", group.name}, {"failures", Json::array()}, {"unsupported_cases", Json::array()}};
    for (Status s : {Status::passed, Status::failed, Status::unsupported}) {
      entry[name_of(s)] = group.count(s);
    }
    for (const CaseResult& c : group.cases) {
      if (c.status == Status::passed) continue;
      entry[c.status == Status::failed ? "failures" : "unsupported_cases"].push_back(
          {{"id", c.id}, {"reason", c.reason}});
    }
    groups.push_back(std::move(entry));
  }
  Json result = {{"groups", std::move(groups)}};
  for (Status s : {Status::passed, Status::failed, Status::unsupported}) {
    result[name_of(s)] = report.count(s);
  }
  return result;
}

bool succeeded(const Report& report, bool allow_unsupported) {
  const size_t passed = report.count(Status::passed), missing = report.count(Status::unsupported);
  const bool any = passed + (allow_unsupported ? missing : 0) > 0;
  return any && report.count(Status::failed) == 0 && (allow_unsupported || missing == 0);
}

}  // namespace gradus::conformance
