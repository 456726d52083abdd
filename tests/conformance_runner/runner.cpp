#include "runner.h"

#include <algorithm>
#include <map>
#include <set>

#include "../../core/base/error.h"
#include "checker.h"
#include "kinds.h"

namespace gradus::conformance {
namespace {

using Run = void (*)(const Case&, Checker&);

Run find_kind(const std::string& kind) {
  static const std::map<std::string, Run> kinds{
      {"op", run_op},
      {"module", run_module},
      {"module_steps", run_module_steps},
      {"double_backward", run_double_backward},
      {"optimizer", run_optimizer},
      {"lr_scheduler", run_lr_scheduler},
      {"training_run", run_training},
      {"init", run_init},
      {"net", run_net},
      {"state_dict", run_state_dict},
      {"error", run_error},
      {"accepts", run_accepts},
  };
  const auto found = kinds.find(kind);
  if (found == kinds.end()) throw Unsupported("kind '" + kind + "'");
  return found->second;
}

std::string joined(const std::vector<std::string>& problems) {
  std::string text;
  for (const std::string& p : problems) text += (text.empty() ? "" : "\n    ") + p;
  return text;
}

GroupResult run_group(const Group& group) {
  GroupResult result;
  result.name = group.name();
  for (const Case& item : group.cases()) result.cases.push_back(run_case(item));
  return result;
}

}  // namespace

CaseResult run_case(const Case& item) {
  CaseResult result;
  try {
    result.id = item.id();
    manual_seed(0);
    Checker checker(item.tolerance());
    find_kind(item.kind())(item, checker);
    if (!checker.problems().empty()) {
      result.status = Status::failed;
      result.reason = joined(checker.problems());
    }
  } catch (const Unsupported& missing) {
    result.status = Status::unsupported;
    result.reason = missing.what();
  } catch (const std::exception& error) {
    result.status = Status::failed;
    result.reason = str("threw: ", error.what());
  }
  return result;
}

Report run_folders(const std::vector<std::filesystem::path>& folders, const RunOptions& options) {
  Report report;
  std::set<std::string> missing(options.groups.begin(), options.groups.end());
  for (const auto& folder : folders) {
    if (!std::filesystem::is_directory(folder)) {
      throw IoError("conformance", str("'", folder.string(), "' is not a folder"),
                    "give a folder of cases");
    }
    for (const auto& manifest : find_manifests(folder)) {
      const std::string name = read_json(manifest).value("group", manifest.stem().string());
      const auto& wanted = options.groups;
      if (!wanted.empty() && std::find(wanted.begin(), wanted.end(), name) == wanted.end())
        continue;
      missing.erase(name);
      report.groups.push_back(run_group(Group(manifest)));
    }
  }
  if (!missing.empty()) {
    throw ValueError("conformance", str("no group '", *missing.begin(), "'"),
                     "without --groups, all run");
  }
  return report;
}

}  // namespace gradus::conformance
