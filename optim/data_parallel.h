// Training on a batch in shards: on several threads and processes, with the same bits on any
// number.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "../core/distributed/communicator.h"
#include "../core/tape.h"
#include "../nn/module.h"

namespace gradus::optim {

/// Options of DataParallel.
struct DataParallelOptions {
  int64_t shards = 8;  ///< of each batch, on all ranks together; at least 1, and one for each rank
  distributed::Communicator* ranks = nullptr;  ///< nullptr: this process alone
};

/// One shard of a batch.
struct Shard {
  int64_t index;  ///< among all shards
  /// Its samples: [first, first + size) of those that this rank has.
  int64_t first, size;
  /// Its part of a tensor that has this rank's samples in dimension 0.
  Tensor of(const Tensor& x) const;
};

/// What a net computed for one shard: *sums* over its samples, so that shards of different sizes
/// count rightly.
struct ShardSums {
  Tensor loss;                      ///< with one element
  std::vector<double> values = {};  ///< more sums to know, as many for every shard
};

/// Computes the gradients of a batch in a fixed number of shards. Each is a forward and a backward
/// pass of its own, with random numbers of its own; gradients and sums are added in the order of
/// the shards. What a batch gives is therefore a function of the number of shards, and of nothing
/// else: any number of ranks (processes) and threads, which compute some of them each, gives the
/// same bits. Up to rounding, it is the gradient of the whole batch, unless the net has
/// batch norms that are not synchronized (nn::convert_sync_batchnorm): those normalize each shard
/// by its own statistics ("ghost batch norm", Hoffer et al., arXiv 1705.08741).
///
///     optim::DataParallel parallel(net, {.shards = 8, .ranks = &ranks});
///     data::DataLoader loader(train, {.batch_size = 128, .part = parallel.part()});
///     for (const auto& [x, y] : loader) {
///       const auto result = parallel.step(128, [&](const optim::Shard& shard) -> optim::ShardSums
///       {
///         const Tensor logits = net(shard.of(x));
///         return {nn::cross_entropy(logits, shard.of(y), {.reduction = Reduction::sum})};
///       });
///       adam.step();                                        // the same on every rank
///       adam.zero_grad();
///     }
///
/// Shards of one rank run at the same time, up to num_threads() of them: what is called for them
/// must only read what they share. Layers that write a buffer in each forward are refused, except
/// for running statistics, which get those of the whole batch. All ranks must have been given the
/// same seed, options and net; parameters and buffers of rank 0 are copied to the others at the
/// beginning.
class DataParallel {
 public:
  /// The sums of a whole batch, the same on all ranks.
  struct Result {
    double loss;                 ///< the sum of the shards' losses, divided by the batch size
    std::vector<double> values;  ///< the sums of their values
  };
  using Forward = std::function<ShardSums(const Shard& shard)>;

  /// Throws ValueError for fewer shards than ranks, parameters of several types, or a layer that
  /// cannot be used in shards. The net must outlive it.
  DataParallel(nn::Module& net, const DataParallelOptions& options);
  ~DataParallel();
  DataParallel(const DataParallel&) = delete;
  DataParallel& operator=(const DataParallel&) = delete;

  int64_t shards() const;
  /// For data::LoaderOptions: the samples [first, end) of a batch that this rank computes.
  std::function<std::pair<int64_t, int64_t>(int64_t batch_size)> part() const;

  /// Calls `forward` for the shards of this rank, each in a thread, on a tape of its own, and adds
  /// the gradient of sum(loss) / batch_size to the `.grad()` of all parameters. `batch_size` counts
  /// the samples of all ranks; shards of small batches may be empty. An exception of one shard is
  /// thrown here once all have ended; the others then find the communicator unusable, and throw
  /// distributed::RankFailed.
  Result step(int64_t batch_size, const Forward& forward, const TapeOptions& tape_options = {});

 private:
  class Team;
  std::unique_ptr<Team> team_;
};

}  // namespace gradus::optim
