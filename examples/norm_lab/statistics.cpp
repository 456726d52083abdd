#include "statistics.h"

#include <gradus/core/base/error.h>
#include <gradus/core/base/random.h>
#include <gradus/core/base/text.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace gradus::lab {

namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr int bootstrap_samples = 2000;

double mean_power(std::span<const double> numbers, double centre, int power) {
  double sum = 0;
  for (const double x : numbers) sum += std::pow(x - centre, power);
  return sum / static_cast<double>(numbers.size());
}

}  // namespace

bool below(const Interval& a, const Interval& b) {
  return a.count > 1 && b.count > 1 && a.high < b.low;
}

double student_t(int64_t degrees_of_freedom) {
  require(degrees_of_freedom > 0, "student_t", "give at least two numbers", "got ",
          degrees_of_freedom, " degrees of freedom");
  constexpr std::array<double, 10> table = {12.706205, 4.302653, 3.182446, 2.776445, 2.570582,
                                            2.446912,  2.364624, 2.306004, 2.262157, 2.228139};
  if (degrees_of_freedom <= 10) return table[static_cast<size_t>(degrees_of_freedom - 1)];
  // Cornish and Fisher's expansion around the normal quantile: 4 digits from here on.
  const double z = 1.959963985, n = static_cast<double>(degrees_of_freedom), z2 = z * z;
  return z + z * (z2 + 1) / (4 * n) + z * ((5 * z2 + 16) * z2 + 3) / (96 * n * n) +
         z * (((3 * z2 + 19) * z2 + 17) * z2 - 15) / (384 * n * n * n);
}

std::string text_of(const Interval& interval, int digits) {
  const double size = std::abs(interval.mean);
  const int before_point = size >= 1 ? static_cast<int>(std::log10(size)) + 1 : 1;
  const int decimals = std::max(0, digits - before_point);
  std::string mean = fixed(interval.mean, decimals);
  if (interval.count < 2) return mean;
  return str(mean, " (", fixed(interval.low, decimals), " to ", fixed(interval.high, decimals),
             ")");
}

std::vector<double> limits_of(std::span<const double> at_size, std::span<const double> at_half) {
  std::vector<double> limits(std::min(at_size.size(), at_half.size()));
  for (size_t i = 0; i < limits.size(); ++i) limits[i] = 2 * at_size[i] - at_half[i];
  return limits;
}

Interval mean_interval(std::span<const double> numbers) {
  const auto n = static_cast<int64_t>(numbers.size());
  const double mean = mean_of(numbers);
  if (n < 2) return {mean, mean, mean, n};
  const double half =
      student_t(n - 1) * standard_deviation(numbers) / std::sqrt(static_cast<double>(n));
  return {mean, mean - half, mean + half, n};
}

double percentile(std::vector<double> numbers, double p) {
  if (numbers.empty()) return nan;
  std::sort(numbers.begin(), numbers.end());
  const double place = p * static_cast<double>(numbers.size() - 1);
  const auto below_it = static_cast<size_t>(place);
  const size_t above = std::min(below_it + 1, numbers.size() - 1);
  const double share = place - static_cast<double>(below_it);
  return numbers[below_it] + share * (numbers[above] - numbers[below_it]);
}

double median(std::vector<double> numbers) {
  return percentile(std::move(numbers), 0.5);
}

double mean_of(std::span<const double> numbers) {
  return numbers.empty() ? nan : mean_power(numbers, 0, 1);
}

double standard_deviation(std::span<const double> numbers) {
  if (numbers.size() < 2) return 0;
  const auto n = static_cast<double>(numbers.size());
  return std::sqrt(mean_power(numbers, mean_of(numbers), 2) * n / (n - 1));
}

Interval bootstrap(std::span<const double> numbers,
                   const std::function<double(const std::vector<double>&)>& estimate) {
  const auto n = static_cast<int64_t>(numbers.size());
  std::vector<double> sample(numbers.begin(), numbers.end());
  const double mean = n == 0 ? nan : estimate(sample);
  if (n < 2) return {mean, mean, mean, n};
  Rng rng(0, Stream::general);
  std::vector<double> estimates;
  estimates.reserve(bootstrap_samples);
  for (int i = 0; i < bootstrap_samples; ++i) {
    for (double& x : sample) x = numbers[rng.below(numbers.size())];
    estimates.push_back(estimate(sample));
  }
  return {mean, percentile(estimates, 0.025), percentile(estimates, 0.975), n};
}

double growth_of(std::span<const double> sequence) {
  return std::pow(sequence.back() / sequence.front(),
                  1.0 / static_cast<double>(sequence.size() - 1));
}

double excess_kurtosis(std::span<const double> numbers) {
  const double mean = mean_of(numbers), variance = mean_power(numbers, mean, 2);
  return mean_power(numbers, mean, 4) / (variance * variance) - 3;
}

}  // namespace gradus::lab
