// Means, medians and slopes with intervals. Everything is deterministic.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

namespace gradus::lab {

/// An estimate and an interval that contains the truth in 95 % of cases.
struct Interval {
  double mean = 0;           ///< the estimate; NaN if there are no numbers
  double low = 0, high = 0;  ///< equal to it if there is only one number: nothing is known then
  int64_t count = 0;         ///< of numbers

  bool contains(double value) const { return low <= value && value <= high; }
};

/// "10.6 (9.9 to 11.4)": as many decimals as give the mean so many digits. The mean alone if it is
/// of one number.
std::string text_of(const Interval& interval, int digits = 3);
/// True if both have at least two numbers and the first lies entirely below the second.
bool below(const Interval& a, const Interval& b);

/// The mean, and Student's t interval: mean +- t s / sqrt(n).
Interval mean_interval(std::span<const double> numbers);
/// What numbers that are linear in 1 / size tend to, from those at a size and at half of it: twice
/// the first minus the second. As many as the shorter list has.
std::vector<double> limits_of(std::span<const double> at_size, std::span<const double> at_half);
/// The 97.5 % quantile of Student's t, for at least one degree of freedom.
double student_t(int64_t degrees_of_freedom);

/// The number below which a share p of them lies, linear between neighbours: for n sorted numbers
/// the one at place p (n - 1). NaN if there are none.
double percentile(std::vector<double> numbers, double p);
double median(std::vector<double> numbers);
double mean_of(std::span<const double> numbers);
/// sqrt(sum of squares of deviations / (n - 1)); 0 for fewer than two numbers.
double standard_deviation(std::span<const double> numbers);

/// Any estimate, with the percentile bootstrap of 2000 samples with replacement (Efron, 1979).
Interval bootstrap(std::span<const double> numbers,
                   const std::function<double(const std::vector<double>&)>& estimate);

/// The factor per step of a sequence of at least two numbers, from its first and its last.
double growth_of(std::span<const double> sequence);
/// Mean fourth power of deviations over the squared variance, minus 3: 0 for a normal distribution,
/// large for heavy tails.
double excess_kurtosis(std::span<const double> numbers);

}  // namespace gradus::lab
