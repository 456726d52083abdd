#include "compare.h"

#include <algorithm>
#include <cmath>
#include <iostream>
#include <limits>

#include "base/error.h"
#include "ops.h"
#include "tape.h"

namespace gradus {

namespace {

struct Tolerances {
  double relative, absolute;
};

Tolerances tolerances_for(DType dtype, const CompareOptions& options) {
  const Tolerances usual = dtype == float32   ? Tolerances{1e-5, 1e-8}
                           : dtype == float64 ? Tolerances{1e-9, 1e-12}
                                              : Tolerances{0, 0};
  const Tolerances chosen{options.rtol.value_or(usual.relative),
                          options.atol.value_or(usual.absolute)};
  for (const double tolerance : {chosen.relative, chosen.absolute}) {
    require(tolerance >= 0, "compare", "0 asks for equal tensors", "a tolerance is ", tolerance);
  }
  return chosen;
}

/// What they are, if that differs: "float32 [2]"; else "".
std::string kind_of(const Tensor& x) {
  return x.defined() ? str(x.dtype(), " ", x.shape()) : "undefined";
}

double difference_of(double mine, double theirs) {
  if (mine == theirs || (std::isnan(mine) && std::isnan(theirs))) return 0;
  const double difference = std::abs(mine - theirs);
  return std::isnan(difference) ? std::numeric_limits<double>::infinity() : difference;
}

/// "[2,3]", the place of element number `i`.
std::string place_of(size_t i, const Shape& shape) {
  Shape place = shape;
  auto rest = static_cast<int64_t>(i);
  for (int d = shape.dim(); d-- > 0; rest /= shape[d]) place[d] = rest % shape[d];
  return place.to_string();
}

std::string in_columns(std::string text, size_t width) {
  text.resize(std::max(text.size() + 1, width), ' ');
  return text;
}

std::vector<double> values_of(const Tensor& x) {
  const NoGrad pause;
  return x.detach().to(float64).to_vector<double>();
}

}  // namespace

bool compare(std::ostream& out, std::string_view name, const Tensor& mine, const Tensor& theirs,
             const CompareOptions& options) {
  constexpr size_t name_width = 13, answer_width = 6;
  const std::string title = in_columns(std::string(name), name_width);
  if (const std::string a = kind_of(mine), b = kind_of(theirs); a != b || !mine.defined()) {
    out << title + (a != b ? "differs: " : "nothing to compare: ") + "mine " + a + ", theirs " + b +
               "\n";
    return false;
  }
  const Tolerances tolerances = tolerances_for(mine.dtype(), options);
  const std::vector<double> a = values_of(mine), b = values_of(theirs);
  double largest = 0, scale = 0;
  size_t worst = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    if (std::isfinite(b[i])) scale = std::max(scale, std::abs(b[i]));
    const double difference = difference_of(a[i], b[i]);
    if (difference <= largest) continue;
    largest = difference;
    worst = i;
  }
  const bool exact = largest == 0;
  const bool close = largest <= tolerances.absolute + tolerances.relative * scale;
  const auto answer = [](bool yes) { return in_columns(yes ? "yes" : "no", answer_width); };
  std::string line = title + "exact: " + answer(exact) + "approximate: " + answer(close) +
                     "largest difference: " + rounded(largest, 2);
  if (!exact) {
    // As many digits as it takes to see that they differ.
    constexpr int most = 17;
    int digits = 4;
    while (digits < most && rounded(a[worst], digits) == rounded(b[worst], digits)) ++digits;
    line += " at " + place_of(worst, mine.shape()) + " (mine " + rounded(a[worst], digits) +
            ", theirs " + rounded(b[worst], digits) + ")";
  }
  out << line + "\n";
  return close;
}

bool compare(std::string_view name, const Tensor& mine, const Tensor& theirs,
             const CompareOptions& options) {
  return compare(std::cout, name, mine, theirs, options);
}

}  // namespace gradus
