// bin/norm_lab from the outside, and its statistics.
#include <doctest/doctest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "../../core/base/error.h"
#include "../../examples/norm_lab/claims.h"
#include "../../examples/norm_lab/results.h"
#include "../../examples/norm_lab/statistics.h"
#include "../support/paths.h"
#include "../support/program.h"

using namespace gradus;
using namespace gradus::test;
using nlohmann::json;

namespace {

namespace fs = std::filesystem;

const std::string program = build_folder() + "/bin/norm_lab";

/// Runs it in `folder`.
Outcome norm_lab(const TemporaryFolder& folder, const std::string& arguments) {
  return run("cd '" + folder.path().string() + "' && " + program + " " + arguments);
}

/// The measurements in a file of results, without their times.
std::vector<json> measurements(const fs::path& file) {
  std::vector<json> lines;
  std::istringstream in(read_text(file));
  for (std::string line; std::getline(in, line);) {
    lines.push_back(json::parse(line));
    lines.back().erase("seconds");
  }
  return lines;
}

lab::Record record(const json& settings, uint64_t seed, double value) {
  return {settings, seed, {{"value", value}}, 0};
}

}  // namespace

TEST_CASE("norm_lab list names every experiment, as JSON for programs") {
  const TemporaryFolder folder;
  const Outcome outcome = norm_lab(folder, "list --json");
  REQUIRE_MESSAGE(outcome.status == 0, outcome.err);
  std::vector<std::string> names;
  for (const json& experiment : json::parse(outcome.out)) names.push_back(experiment["name"]);
  for (const char* name : {"depth-law", "jacobian", "sigmoid-mlp", "definitions"}) {
    CHECK(std::count(names.begin(), names.end(), name) == 1);
    CHECK(contains(norm_lab(folder, "list").out, name));
  }
}

TEST_CASE("results are the same bytes on one thread and on two, and their report is written") {
  const TemporaryFolder folder;
  for (const char* threads : {"1", "2"}) {
    const Outcome outcome = norm_lab(folder, std::string("run wrong-backward definitions --out t") +
                                                 threads + " --threads " + threads);
    REQUIRE_MESSAGE(outcome.status == 0, outcome.err);
  }
  const auto one = measurements(folder.path() / "t1" / "wrong-backward.jsonl");
  CHECK(one.size() > 100);
  CHECK(one == measurements(folder.path() / "t2" / "wrong-backward.jsonl"));
  CHECK(read_text(folder.path() / "t1" / "summary.json") ==
        read_text(folder.path() / "t2" / "summary.json"));
  CHECK(contains(read_text(folder.path() / "t1" / "report.html"), "<html"));
  const Outcome compared = norm_lab(folder, "compare t1 t2");
  CHECK_MESSAGE(contains(compared.out, "\n0 numbers differ"), compared.out);
}

TEST_CASE("a run that was killed in the middle of a line goes on, and repeats nothing") {
  const TemporaryFolder folder;
  const fs::path file = folder.path() / "out" / "coupling.jsonl";
  REQUIRE(norm_lab(folder, "run coupling --out out").status == 0);
  const std::string whole = read_text(file);
  const size_t second = whole.find('\n', whole.find('\n') + 1);
  std::ofstream(file) << whole.substr(0, second + 20);
  const Outcome outcome = norm_lab(folder, "run coupling --out out");
  REQUIRE_MESSAGE(outcome.status == 0, outcome.err);
  CHECK(contains(outcome.out, "4 measurements"));  // of six
  const std::string again = read_text(file);
  CHECK(again.substr(0, second + 1) == whole.substr(0, second + 1));  // with their times
  CHECK(std::count(again.begin(), again.end(), '\n') == 6);
  REQUIRE(norm_lab(folder, "run coupling --out out").status == 0);
  CHECK(read_text(file) == again);
}

TEST_CASE("norm_lab refuses what it cannot do, and says what was meant") {
  const TemporaryFolder folder;
  const auto refused = [&](const std::string& arguments, const std::string& words) {
    const Outcome outcome = norm_lab(folder, arguments);
    CHECK(outcome.status == 1);
    CHECK_MESSAGE(contains(outcome.err, words), outcome.err);
  };
  refused("run depth-lau", "did you mean depth-law?");
  refused("run coupling --ful", "Did you mean --full?");
  refused("run coupling --quick --full", "exclude each other");
  refused("report nowhere", "nowhere has no lab.json");
  REQUIRE(norm_lab(folder, "run coupling --out here").status == 0);
  refused("run coupling --full --out here", "here holds results of quick");
  std::ofstream(folder.path() / "here" / "coupling.jsonl") << "no JSON\n";
  refused("report here", "coupling.jsonl, line 1: this is no measurement");
}

TEST_CASE("claims that are definitions hold, and those that were not measured are open") {
  const TemporaryFolder folder;
  REQUIRE(norm_lab(folder, "run definitions invariants --out out").status == 0);
  const auto results = [&](const std::string& name) {
    return lab::Results::load(folder.path() / "out" / (name + ".jsonl"));
  };
  REQUIRE(lab::claims().size() == 20);
  for (const lab::Claim& claim : lab::claims()) {
    CAPTURE(claim.text);
    const std::string verdict = name_of(claim.judge(results).kind);
    const bool is_definition = claim.number <= 5 || claim.number == 16 || claim.number == 20;
    if (is_definition) CHECK(verdict == "holds");
    if (claim.number == 14) CHECK(verdict == "fails because");
    if (claim.number == 10 || claim.number == 19) CHECK(verdict == "open");
  }
}

TEST_CASE("every identity of a norm holds to ten digits") {
  const TemporaryFolder folder;
  REQUIRE(norm_lab(folder, "run invariants jacobian --out out").status == 0);
  for (const auto& [name, value] : {std::pair("invariants", "largest"), {"jacobian", "distance"}}) {
    for (const json& line : measurements(folder.path() / "out" / (std::string(name) + ".jsonl"))) {
      CAPTURE(line["settings"].dump());
      CHECK(line["values"][value].get<double>() < 1e-10);
    }
  }
}

TEST_CASE("intervals are Student's, percentiles linear, the bootstrap is deterministic") {
  CHECK(lab::student_t(1) == doctest::Approx(12.7062).epsilon(1e-5));
  CHECK(lab::student_t(9) == doctest::Approx(2.26216).epsilon(1e-5));
  CHECK(lab::student_t(12) == doctest::Approx(2.17881).epsilon(1e-4));
  CHECK(lab::student_t(100) == doctest::Approx(1.98397).epsilon(1e-4));
  const std::vector<double> numbers = {1, 2, 3, 4};
  const lab::Interval mean = lab::mean_interval(numbers);
  CHECK(mean.mean == 2.5);
  CHECK(mean.high - mean.mean == doctest::Approx(3.182446 * std::sqrt(5.0 / 3) / 2));
  CHECK(lab::percentile(numbers, 0.25) == 1.75);
  CHECK(lab::median({5, 1, 3}) == 3);
  const auto median_of = [](const std::vector<double>& sample) { return lab::median(sample); };
  const lab::Interval once = lab::bootstrap(numbers, median_of);
  CHECK(once.low == lab::bootstrap(numbers, median_of).low);
  CHECK(once.low < once.mean);
  CHECK_FALSE(lab::below(lab::mean_interval(std::vector<double>{1}), mean));  // a single seed
  CHECK(lab::growth_of(std::vector<double>{3, 6, 12, 24}) == doctest::Approx(2));
  CHECK(lab::limits_of(std::vector<double>{2.1, 3.05}, numbers) == std::vector<double>{3.2, 4.1});
  CHECK(lab::text_of(mean) == "2.50 (0.45 to 4.55)");
}

TEST_CASE("results are averaged over seeds, and never over different settings") {
  const lab::Results results({record({{"batch", 4}}, 1, 1), record({{"batch", 4}}, 2, 3),
                              record({{"batch", 64}}, 1, 5), record({{"batch", 64}}, 2, NAN)});
  CHECK(results.where({{"batch", 4}}).mean("value").mean == 2);
  const report::Curve curve = results.over("batch", "value");
  CHECK(curve.x == std::vector<double>{4, 64});
  CHECK(curve.y == std::vector<double>{2, 5});
  CHECK_THROWS_AS(results.mean("value"), const ValueError&);
}
