#include "results.h"

#include <gradus/core/base/error.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <limits>
#include <map>

namespace gradus::lab {

namespace {

/// The numbers of an array, NaN for null.
std::vector<double> numbers(const json& array) {
  std::vector<double> list;
  list.reserve(array.size());
  for (const json& element : array) list.push_back(number(element));
  return list;
}

void add_point(report::Curve& curve, double x, const Interval& y) {
  curve.x.push_back(x);
  curve.y.push_back(y.mean);
  curve.low.push_back(y.low);
  curve.high.push_back(y.high);
}

std::string label(const json& value) {
  if (value.is_string()) return value.get<std::string>();
  return value.is_number() ? str(value.get<double>()) : value.dump();
}

void add_if_new(std::vector<json>& list, const json& value) {
  if (std::find(list.begin(), list.end(), value) == list.end()) list.push_back(value);
}

}  // namespace

double number(const json& value) {
  return value.is_null() ? std::numeric_limits<double>::quiet_NaN() : value.get<double>();
}

json Record::line() const {
  return {{"settings", settings}, {"seed", seed}, {"values", values}, {"seconds", seconds}};
}

Results Results::load(const std::filesystem::path& file) {
  std::ifstream in(file);
  std::vector<Record> records;
  std::string line;
  for (int64_t count = 1; std::getline(in, line); ++count) {
    const json object = json::parse(line, nullptr, false);
    const bool is_record = object.is_object() && object.contains("settings") &&
                           object.contains("seed") && object.contains("values");
    if (!is_record && in.eof()) break;  // without a line end: the program was killed
    require<IoError>(is_record, "norm_lab", "remove the line, or the file", file.string(),
                     ", line ", count, ": this is no measurement");
    records.push_back({object["settings"], object["seed"].get<uint64_t>(), object["values"],
                       object.value("seconds", 0.0)});
  }
  return Results(std::move(records));
}

Results Results::where(const json& settings) const {
  std::vector<Record> found;
  for (const Record& record : records_) {
    const bool fits =
        std::all_of(settings.items().begin(), settings.items().end(), [&](const auto& item) {
          return record.settings.contains(item.key()) &&
                 record.settings[item.key()] == item.value();
        });
    if (fits) found.push_back(record);
  }
  return Results(std::move(found));
}

std::vector<json> Results::distinct(const std::string& setting) const {
  std::vector<json> found;
  for (const Record& record : records_) {
    if (record.settings.contains(setting)) add_if_new(found, record.settings[setting]);
  }
  return found;
}

std::vector<json> Results::settings() const {
  std::vector<json> found;
  for (const Record& record : records_) add_if_new(found, record.settings);
  return found;
}

void Results::check_one_setting(const std::string& except) const {
  for (const Record& record : records_) {
    json a = records_[0].settings, b = record.settings;
    a.erase(except);
    b.erase(except);
    require(a == b, "results", "choose some by where()", "an interval would be over ", a.dump(),
            " and ", b.dump());
  }
}

std::vector<double> Results::each(const std::string& value) const {
  check_one_setting("");
  std::vector<double> found;
  for (const Record& record : records_) {
    const double x = record.values.contains(value) ? number(record.values[value]) : NAN;
    if (std::isfinite(x)) found.push_back(x);
  }
  return found;
}

Interval Results::median(const std::string& value) const {
  return bootstrap(each(value),
                   [](const std::vector<double>& sample) { return lab::median(sample); });
}

report::Curve Results::over(const std::string& setting, const std::string& value) const {
  check_one_setting(setting);
  std::vector<double> xs;
  for (const json& x : distinct(setting)) xs.push_back(x.get<double>());
  std::sort(xs.begin(), xs.end());
  report::Curve curve;
  for (const double x : xs) add_point(curve, x, where({{setting, x}}).mean(value));
  return curve;
}

report::Curve Results::curve(const std::string& x, const std::string& y) const {
  check_one_setting("");
  std::map<size_t, std::pair<double, std::vector<double>>> places;
  for (const Record& record : records_) {
    if (!record.values.contains(y)) continue;
    const std::vector<double> ys = numbers(record.values[y]);
    for (size_t i = 0; i < ys.size(); ++i) {
      places[i].first = x.empty() ? static_cast<double>(i) : number(record.values[x][i]);
      if (std::isfinite(ys[i])) places[i].second.push_back(ys[i]);
    }
  }
  report::Curve curve;
  for (const auto& [place, at] : places) add_point(curve, at.first, mean_interval(at.second));
  return curve;
}

std::vector<double> Results::all(const std::string& value) const {
  std::vector<double> found;
  for (const Record& record : records_) {
    if (!record.values.contains(value)) continue;
    const std::vector<double> some = numbers(record.values[value]);
    found.insert(found.end(), some.begin(), some.end());
  }
  return found;
}

report::HeatMap Results::grid(const std::string& row, const std::string& column,
                              const std::string& value) const {
  report::HeatMap map{.x = column, .y = row};
  const std::vector<json> columns = distinct(column);
  for (const json& c : columns) map.columns.push_back(label(c));
  for (const json& r : distinct(row)) {
    map.rows.push_back(label(r));
    for (const json& c : columns) {
      map.values.push_back(where({{row, r}, {column, c}}).mean(value).mean);
    }
  }
  return map;
}

}  // namespace gradus::lab
