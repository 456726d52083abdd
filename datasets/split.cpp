#include "split.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "../core/base/random.h"
#include "sampler.h"

namespace gradus::data {

std::vector<DatasetPtr> random_split(const DatasetPtr& dataset, const std::vector<double>& shares,
                                     const SplitOptions& options) {
  constexpr const char* op = "random_split";
  checked_dataset(op, dataset);
  const double sum = std::accumulate(shares.begin(), shares.end(), 0.0);
  const bool positive = std::all_of(shares.begin(), shares.end(), [](double x) { return x >= 0; });
  require(positive && std::abs(sum - 1) <= 1e-6, op, "for 10 % of validation data give {0.9, 0.1}",
          "shares must not be negative and sum up to 1, the sum is ", sum);
  std::vector<std::vector<int64_t>> parts(shares.size());
  std::vector<double> missing(shares.size(), 0);  // how far a part is behind its share
  // The samples of one class after the other (or all, if classes do not matter), shuffled within.
  // Each goes to the part that is furthest behind. So the shares are kept at every point of the
  // sequence, and in every run of samples of one class.
  Rng random(options.seed, Stream::shuffle);
  std::vector<std::vector<int64_t>> groups = {count_from(0, dataset->size())};
  if (options.stratify) groups = members_of_classes(checked_targets(op, *dataset));
  for (std::vector<int64_t>& group : groups) {
    shuffle(group, random);
    for (const int64_t sample : group) {
      for (size_t k = 0; k < shares.size(); ++k) missing[k] += shares[k];
      const auto k = static_cast<size_t>(std::ranges::max_element(missing) - missing.begin());
      missing[k] -= 1;
      parts[k].push_back(sample);
    }
  }
  std::vector<DatasetPtr> subsets;
  for (std::vector<int64_t>& part : parts) {
    std::sort(part.begin(), part.end());
    subsets.push_back(share(Subset(dataset, std::move(part))));
  }
  return subsets;
}

}  // namespace gradus::data
