// Batches of a data set, epoch after epoch.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <iterator>
#include <memory>
#include <utility>

#include "dataset.h"
#include "sampler.h"
#include "transform.h"

namespace gradus::data {

/// How a DataLoader divides a data set into batches.
struct LoaderOptions {
  int64_t batch_size = 64;  ///< samples in a batch; at least 1
  bool shuffle = true;      ///< a new order in each epoch; else that of the data set
  bool drop_last = false;   ///< leave out a last batch that is not full
  uint64_t seed = 0;        ///< of the order of the samples, and of the transform's random numbers
  int prefetch = 2;         ///< batches that are prepared ahead; 0: no threads
  int num_workers = 1;      ///< threads that prepare them, up to 256; 0: each is prepared on demand
  /// Applied to the x of each sample. Random numbers depend only on seed, epoch and the sample's
  /// position in the epoch.
  Transform transform = {};
  /// Replaces `shuffle`; its order depends on its own seed.
  SamplerPtr sampler = {};
  /// Of a batch of so many samples, those that are wanted: [first, second). The others are not
  /// read; batches, their order and random numbers stay the same. For a program of several
  /// processes: optim::DataParallel::part().
  std::function<std::pair<int64_t, int64_t>(int64_t size)> part = {};
};

/// Divides a data set into batches. Each range-for over it is one epoch:
///
///     DataLoader loader(train, {.batch_size = 128});
///     for (int epoch = 0; epoch < 10; ++epoch) {
///       for (const auto& [x, y] : loader) { ... }
///     }
///
/// Every call of begin() starts the next epoch, even if the previous one was left with `break`. The
/// order of an epoch is a function of only seed and epoch number. Batches are bitwise the same with
/// any number of workers and any prefetching. Nothing is recorded on a tape while a batch is
/// prepared. An exception of the data set or the transform, even in a worker, is thrown by begin()
/// or by the step to the next batch, after the preceding batches; for a transform it names the
/// sample (see apply). Workers call both concurrently.
///
/// One thread may use a loader at a time. Several epochs may run at once, each with its iterator.
class DataLoader {
 public:
  /// Throws ValueError for a batch size below 1, a negative `prefetch` or `num_workers`, more than
  /// 256 workers, or a null pointer.
  explicit DataLoader(DatasetPtr dataset, const LoaderOptions& options = {});
  template <std::derived_from<Dataset> D>
  explicit DataLoader(D dataset, const LoaderOptions& options = {})
      : DataLoader(share(std::move(dataset)), options) {}

  /// Where the batches of one epoch come from.
  class Epoch;

  /// Iterates over one epoch. Can be moved, not copied; destroying it ends the epoch and its
  /// threads.
  class Iterator {
   public:
    using value_type = Batch;
    using difference_type = std::ptrdiff_t;
    using reference = const Batch&;
    using pointer = const Batch*;
    using iterator_category = std::input_iterator_tag;

    explicit Iterator(std::shared_ptr<Epoch> epoch) : epoch_(std::move(epoch)) { ++*this; }
    Iterator(Iterator&&) = default;
    Iterator& operator=(Iterator&&) = default;
    reference operator*() const { return batch_; }
    pointer operator->() const { return &batch_; }
    Iterator& operator++();
    void operator++(int) { ++*this; }
    friend bool operator==(const Iterator& it, std::default_sentinel_t) {
      return it.epoch_ == nullptr;
    }

   private:
    std::shared_ptr<Epoch> epoch_;
    Batch batch_;
  };

  /// Starts the next epoch.
  Iterator begin();
  std::default_sentinel_t end() const { return {}; }

  /// The number of the epoch that the next begin() starts; 0 at first.
  int64_t epoch() const { return epoch_; }
  /// Makes the next begin() start epoch number `epoch`, at batch `first_batch`: for resuming
  /// training. Throws ValueError for negative numbers.
  void set_epoch(int64_t epoch, int64_t first_batch = 0);

  /// Batches per epoch.
  int64_t size() const;
  /// Samples of batch number `number` of an epoch, those included that `part` leaves out.
  int64_t samples_of(int64_t number) const;
  const Dataset& dataset() const { return *dataset_; }
  const LoaderOptions& options() const { return options_; }

 private:
  DatasetPtr dataset_;
  LoaderOptions options_;
  SamplerPtr sampler_;
  int64_t epoch_ = 0;
  int64_t first_batch_ = 0;
};

}  // namespace gradus::data
