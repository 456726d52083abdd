// What was measured: lines of JSON, and how figures and claims read them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "../report/report.h"
#include "statistics.h"

namespace gradus::lab {

using nlohmann::json;

/// One measurement: a line {"settings": ..., "seed": ..., "values": ..., "seconds": ...}.
struct Record {
  json settings;      ///< {"norm": "batch", "batch": 64}
  uint64_t seed;      ///< 0 for a definition
  json values;        ///< numbers and arrays of numbers, by name
  double seconds;     ///< that it took
  json line() const;  ///< the object that is one line
};

/// Measurements of one experiment, or some of them. Intervals are those of 95 % over the seeds.
class Results {
 public:
  Results() = default;
  explicit Results(std::vector<Record> records) : records_(std::move(records)) {}
  /// Those in a file; none if there is no file. A last line that is incomplete, since the program
  /// was killed, is left out. Throws IoError, with the line, for anything else that is no record.
  static Results load(const std::filesystem::path& file);

  const std::vector<Record>& records() const& { return records_; }
  std::vector<Record> records() && { return std::move(records_); }  ///< of a temporary: its own
  bool empty() const { return records_.empty(); }
  /// Those whose settings have these values: `where({{"norm", "batch"}})`.
  Results where(const json& settings) const;
  /// The values that a setting takes, in the order of the measurements.
  std::vector<json> distinct(const std::string& setting) const;
  /// All combinations of settings, likewise.
  std::vector<json> settings() const;

  // The following take results that differ in nothing but the seed (and, for `over`, in the
  // setting that is named), and throw ValueError for others: an interval over different settings
  // would mean nothing. They leave out what is not a number (a net that diverged), and give NaN if
  // nothing is left.

  /// A number per seed.
  std::vector<double> each(const std::string& value) const;
  /// Their mean, with Student's t.
  Interval mean(const std::string& value) const { return mean_interval(each(value)); }
  /// Their median, by bootstrap.
  Interval median(const std::string& value) const;
  /// Means with intervals, against a setting that is a number, in ascending order.
  report::Curve over(const std::string& setting, const std::string& value) const;
  /// Arrays of y, averaged element by element over the seeds, against the array of x, or against 0,
  /// 1, 2 ... if `x` is empty. An array that is shorter than others ends earlier.
  report::Curve curve(const std::string& x, const std::string& y) const;
  /// The elements of the arrays of all seeds, one after the other.
  std::vector<double> all(const std::string& value) const;
  /// Means by two settings: all values that the first takes are rows, those of the second columns.
  report::HeatMap grid(const std::string& row, const std::string& column,
                       const std::string& value) const;

 private:
  void check_one_setting(const std::string& except) const;

  std::vector<Record> records_;
};

/// A number of a record: NaN for null, which is what JSON makes of NaN.
double number(const json& value);

}  // namespace gradus::lab
