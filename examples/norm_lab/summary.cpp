#include "summary.h"

#include <gradus/core/base/error.h>
#include <gradus/core/io/atomic_file.h>

#include <algorithm>
#include <array>
#include <set>

#include "claims.h"
#include "experiment.h"
#include "first_page.h"
#include "runner.h"

namespace gradus::lab {

namespace {

namespace fs = std::filesystem;
using report::Tone;

ResultsOf results_of(const fs::path& folder) {
  return [folder](const std::string& name) { return Results::load(results_file(folder, name)); };
}

json to_json(const Interval& interval) {
  const auto digits = [](double x) { return std::isfinite(x) ? json(x) : json(); };
  return {{"mean", digits(interval.mean)},
          {"low", digits(interval.low)},
          {"high", digits(interval.high)},
          {"count", interval.count}};
}

/// The names of values that are numbers.
std::set<std::string> number_names(const Results& results) {
  std::set<std::string> names;
  for (const Record& record : results.records()) {
    for (const auto& [name, value] : record.values.items()) {
      if (!value.is_structured()) names.insert(name);
    }
  }
  return names;
}

json summary_of(const Results& results) {
  json list = json::array();
  for (const json& settings : results.settings()) {
    const Results some = results.where(settings);
    json values;
    for (const std::string& name : number_names(some)) {
      values[name] =
          to_json(some.records()[0].seed == 0 ? Interval{some.mean(name).mean} : some.mean(name));
    }
    list.push_back({{"settings", settings}, {"values", values}});
  }
  return list;
}

Tone tone_of(Verdict::Kind kind) {
  constexpr std::array tones = {Tone::good, Tone::partly, Tone::bad, Tone::open};
  return tones.at(static_cast<size_t>(kind));
}

void add_claims(report::Section& first, const ResultsOf& results, bool preview) {
  report::Figure& figure =
      first.figure("claims", "What popular articles claim, and what was found");
  report::Table table{.columns = {"", "claim", "verdict", "figures"}};
  for (const Claim& claim : claims()) {
    const Verdict verdict = claim.judge(results);
    const bool open = verdict.kind == Verdict::Kind::open;
    const std::string word = str(preview && !open ? "preview: " : "", name_of(verdict.kind));
    table.rows.push_back(
        {{str(claim.number)},
         {claim.text},
         {word, tone_of(verdict.kind)},
         {str(verdict.text, " [", claim.experiment, "](#", claim.experiment, ")")}});
  }
  figure.see =
      "Each verdict is computed from the results of the experiment it leads to: small nets on "
      "small images, so that what fails here may hold elsewhere. Numbers in brackets are "
      "intervals of 95 % over the seeds.";
  figure.add(std::move(table));
}

std::string seeds_text(const Results& results) {
  std::set<uint64_t> seeds;
  for (const Record& record : results.records()) seeds.insert(record.seed);
  seeds.erase(0);
  if (seeds.empty()) return "no seeds: exact";
  return str(seeds.size(),
             seeds.size() == 1 ? " seed" : " seeds; bands are 95 % intervals of the mean");
}

/// The section of an experiment, with what all figures have in common.
void add_section(report::Page& page, const Experiment& experiment, const Results& results) {
  report::Section& section = page.section(experiment.name, experiment.title);
  section.paper = experiment.paper;
  section.text = experiment.smaller;
  experiment.draw(results, section);
  for (report::Figure& figure : section.figures) {
    if (figure.id.find(experiment.name) != 0) figure.id = str(experiment.name, "-", figure.id);
    if (figure.seeds.empty()) figure.seeds = seeds_text(results);
    if (figure.data.empty()) figure.data = str(experiment.name, ".jsonl");
  }
}

}  // namespace

json summary(const fs::path& folder) {
  json all = load_facts(folder);
  for (const Experiment& experiment : experiments()) {
    const Results results = results_of(folder)(experiment.name);
    if (!results.empty()) all["experiments"][experiment.name] = summary_of(results);
  }
  for (const Claim& claim : claims()) {
    const Verdict verdict = claim.judge(results_of(folder));
    all["claims"].push_back({{"number", claim.number},
                             {"claim", claim.text},
                             {"experiment", claim.experiment},
                             {"verdict", name_of(verdict.kind)},
                             {"figures", verdict.text}});
  }
  return all;
}

void write_summary(const fs::path& folder) {
  const std::string text = summary(folder).dump(1) + "\n";
  write_file_atomically("norm_lab", folder / "summary.json", {std::as_bytes(std::span(text))});
}

report::Page report_page(const fs::path& folder) {
  const json facts = load_facts(folder);
  const bool preview = facts.value("kind", "") != "full";
  report::Page page{
      .title = "The normalization lab",
      .lead =
          "Batch, layer, instance and group norm side by side on small nets and handwritten "
          "digits: what the papers found, and which popular claims hold.",
      .preview = preview ? "Preview: a quick run, with small nets, few steps and two seeds. "
                           "`norm_lab run all --full` decides."
                         : ""};
  for (const auto& [name, value] : facts.items()) {
    if (name == "blas") continue;  // of an earlier version
    std::string words = name;
    std::replace(words.begin(), words.end(), '_', ' ');
    page.facts.emplace_back(words, value.is_string() ? value.get<std::string>() : value.dump());
  }
  page.first.id = "claims";
  page.first.title = "Claims";
  add_claims(page.first, results_of(folder), preview);
  for (const Experiment& experiment : experiments()) {
    const Results results = results_of(folder)(experiment.name);
    if (!results.empty()) add_section(page, experiment, results);
  }
  add_first_page(page, results_of(folder));
  return page;
}

std::string comparison(const fs::path& a, const fs::path& b) {
  load_facts(a);
  load_facts(b);
  std::vector<std::vector<std::string>> rows = {
      {"experiment", "settings", "value", "first", "second"}};
  int64_t alike = 0, missing = 0;
  const auto text = [](const Interval& i) { return str(i.mean, " [", i.low, ", ", i.high, "]"); };
  for (const Experiment& experiment : experiments()) {
    const Results in_a = results_of(a)(experiment.name), in_b = results_of(b)(experiment.name);
    for (const json& settings : in_a.settings()) {
      const Results some_a = in_a.where(settings), some_b = in_b.where(settings);
      if (some_b.empty()) ++missing;
      for (const std::string& name : number_names(some_b)) {
        const Interval x = some_a.mean(name), y = some_b.mean(name);
        const bool exact = x.count == 1 && y.count == 1 && some_a.records()[0].seed == 0;
        const bool differ = below(x, y) || below(y, x) || (exact && x.mean != y.mean);
        if (!differ) ++alike;
        if (differ) rows.push_back({experiment.name, settings.dump(), name, text(x), text(y)});
      }
    }
  }
  return str(aligned_table(rows, "lllll"), rows.size() - 1, " numbers differ, ", alike, " do not; ",
             missing, " measurements of the first are not in the second\n");
}

}  // namespace gradus::lab
