// What the shards of one batch exchange while a net runs on each of them.
#pragma once

#include <cstdint>
#include <functional>

#include "../tensor.h"

namespace gradus::distributed {

/// The shards of a batch, which a net computes at the same time: in threads of this process, and in
/// other processes. optim::DataParallel makes them; layers whose result depends on the whole batch
/// use them. The calls of each shard must be the same, in the same order.
class Shards {
 public:
  virtual ~Shards() = default;
  /// Of the whole batch.
  virtual int64_t count() const = 0;
  /// `local` of all shards, [count, n] in their order: float64 [n], contiguous, of the same n in
  /// each. Waits for the others. Without a gradient: see sum_over_shards.
  virtual Tensor gather(const Tensor& local) = 0;
  /// Has `finish` called with such a result once all shards have computed their gradients, by one
  /// thread of each process. Does not wait. `local` may be undefined: so is the result then.
  virtual void finish_with(const Tensor& local, std::function<void(const Tensor& all)> finish) = 0;
};

/// The sum of x over all shards, added in double, in an order that depends on their number alone:
/// every shard gets it. Its gradient is the same sum of gradients, so it can be differentiated any
/// number of times.
Tensor sum_over_shards(Shards& shards, const Tensor& x);

/// Statistics of values that came in groups.
struct MergedStatistics {
  double count;     ///< values of all groups
  Tensor mean;      ///< float64 [C]
  Tensor variance;  ///< float64 [C], biased
};
/// Of the rows [n, mean [C], sum of squares around it [C]] of each group, combined in their order
/// (Chan, Golub and LeVeque, 1979). Groups without values do not count; if none has any, the
/// statistics are 0.
MergedStatistics merge_statistics(const Tensor& rows);

}  // namespace gradus::distributed
