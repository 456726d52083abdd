#include "loader.h"

#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <exception>
#include <map>
#include <mutex>
#include <stop_token>
#include <thread>
#include <vector>

#include "../core/base/random.h"
#include "../core/shape/view.h"
#include "../core/tape.h"

namespace gradus::data {

namespace {

constexpr const char* loader_op = "data_loader";

}  // namespace

/// Lets threads run ahead of the consumer by a bounded number of batches. Each takes the next batch
/// that nobody has; the consumer gets them in order. Without threads each is made when asked for.
///
/// Threads belong to one process: the child of a fork does not have them and may not touch their
/// locks, one of which may be taken.
class DataLoader::Epoch {
 public:
  /// The batches of one epoch by their numbers. Nothing in it changes, so any thread can make any
  /// batch.
  struct Plan {
    DatasetPtr dataset;
    std::vector<int64_t> order;
    Transform transform;
    Rng random;  ///< of the transform; place i of the order has random.fork(i)
    size_t batch_size, batches;
    std::function<std::pair<int64_t, int64_t>(int64_t)> part;

    Batch make(size_t number) const {
      const NoGrad pause;
      size_t begin = number * batch_size;
      size_t size = std::min(batch_size, order.size() - begin);
      if (part) {
        const auto [first, end] = part(static_cast<int64_t>(size));
        require(0 <= first && first <= end && end <= static_cast<int64_t>(size), loader_op,
                "give a range within the batch", "part(", size, ") gave [", first, ", ", end, ")");
        if (first == end) return nothing(begin);
        begin += static_cast<size_t>(first);
        size = static_cast<size_t>(end - first);
      }
      const auto indices = std::span(order).subspan(begin, size);
      Batch batch = dataset->gather(indices);
      if (transform) {
        batch.x = apply(transform, batch.x, random,
                        {.first = static_cast<int64_t>(begin), .numbers = indices});
      }
      return batch;
    }

   private:
    /// A batch without samples, of the sizes that the sample at `place` has.
    Batch nothing(size_t place) const {
      const Batch one = dataset->gather(std::span(order).subspan(place, 1));
      return {narrow(one.x, 0, 0, 0).clone(), narrow(one.y, 0, 0, 0).clone()};
    }
  };

  Epoch(Plan plan, size_t first, const LoaderOptions& options)
      : plan_(std::move(plan)),
        ahead_(static_cast<size_t>(options.prefetch) + static_cast<size_t>(options.num_workers)),
        taken_(first),
        wanted_(first) {
    for (int i = 0; i < options.num_workers && options.prefetch > 0; ++i) {
      threads_.emplace_back([this](const std::stop_token& stop) { work(stop); });
    }
  }
  ~Epoch() {
    for (std::jthread& thread : threads_) thread.request_stop();  // all at once, then wait
  }
  Epoch(const Epoch&) = delete;
  Epoch& operator=(const Epoch&) = delete;

  bool was_forked() const { return !threads_.empty() && ::getpid() != process_; }

  bool next(Batch& batch) {
    require<Error>(!was_forked(), loader_op, "begin a new epoch in the child",
                   "the process was forked; the workers of this epoch stayed behind");
    if (wanted_ >= plan_.batches) return false;  // nobody else writes it
    if (threads_.empty()) {
      batch = plan_.make(wanted_++);
      return true;
    }
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return ready_.contains(wanted_); });
    const Result result = std::move(ready_.extract(wanted_).mapped());
    wanted_ = result.failure ? plan_.batches : wanted_ + 1;
    changed_.notify_all();
    if (result.failure) std::rethrow_exception(result.failure);
    batch = result.batch;
    return true;
  }

 private:
  struct Result {
    Batch batch;
    std::exception_ptr failure;
  };

  void work(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      size_t number;
      {
        std::unique_lock lock(mutex_);
        const bool go = changed_.wait(
            lock, stop, [&] { return taken_ >= plan_.batches || taken_ < wanted_ + ahead_; });
        if (!go || taken_ >= plan_.batches) return;
        number = taken_++;
      }
      Result result;
      try {
        result.batch = plan_.make(number);
      } catch (...) {
        result.failure = std::current_exception();
      }
      const std::lock_guard lock(mutex_);
      if (result.failure) taken_ = plan_.batches;  // what comes after it is not wanted any more
      ready_.emplace(number, std::move(result));
      changed_.notify_all();
    }
  }

  const Plan plan_;
  const pid_t process_ = ::getpid();
  const size_t ahead_;  // batches that may be begun before the consumer asks for the first of them
  std::mutex mutex_;
  std::condition_variable_any changed_;
  size_t taken_;   // the next batch that no worker has begun
  size_t wanted_;  // the next batch that the consumer gets
  std::map<size_t, Result> ready_;
  std::vector<std::jthread> threads_;  // last: they stop before anything they use goes away
};

DataLoader::DataLoader(DatasetPtr dataset, const LoaderOptions& options)
    : dataset_(checked_dataset(loader_op, std::move(dataset))),
      options_(options),
      sampler_(options.sampler) {
  constexpr int max_workers = 256;
  require(options.batch_size >= 1, loader_op, "32 to 256 are usual",
          "batch_size must be at least 1, got ", options.batch_size);
  require(options.prefetch >= 0, loader_op, "0 means no prefetching",
          "prefetch must not be negative, got ", options.prefetch);
  require(options.num_workers >= 0 && options.num_workers <= max_workers, loader_op,
          "0 means that batches are made when they are asked for", "num_workers must be from 0 to ",
          max_workers, ", got ", options.num_workers);
  if (sampler_ != nullptr) return;
  const int64_t size = dataset_->size();
  sampler_ = std::make_shared<SequentialSampler>(size);
  if (options.shuffle) sampler_ = std::make_shared<RandomSampler>(size, options.seed);
}

int64_t DataLoader::size() const {
  const int64_t samples = sampler_->size(), batch_size = options_.batch_size;
  const bool short_one = !options_.drop_last && samples % batch_size != 0;
  return samples / batch_size + (short_one ? 1 : 0);
}

int64_t DataLoader::samples_of(int64_t number) const {
  return std::min(options_.batch_size, sampler_->size() - number * options_.batch_size);
}

void DataLoader::set_epoch(int64_t epoch, int64_t first_batch) {
  constexpr int64_t most = int64_t{1} << 53;  // the loader counts on from here
  require(epoch >= 0 && first_batch >= 0 && epoch <= most, loader_op,
          "set_epoch(0) starts from the beginning",
          "epochs and batches are counted from 0, got epoch ", epoch, ", batch ", first_batch);
  epoch_ = epoch;
  first_batch_ = first_batch;
}

DataLoader::Iterator DataLoader::begin() {
  Epoch::Plan plan{
      .dataset = dataset_,
      .order = sampler_->order(epoch_),
      .transform = options_.transform,
      .random = Rng(options_.seed, Stream::augmentation).fork(static_cast<uint64_t>(epoch_)),
      .batch_size = static_cast<size_t>(options_.batch_size),
      .batches = static_cast<size_t>(size()),
      .part = options_.part};
  require(static_cast<int64_t>(plan.order.size()) == sampler_->size(), loader_op,
          "size() of a sampler is the number of samples that it draws", "the sampler promised ",
          sampler_->size(), " samples and gave ", plan.order.size());
  const size_t first = std::min(static_cast<size_t>(first_batch_), plan.batches);
  ++epoch_;
  first_batch_ = 0;
  auto made = std::make_unique<Epoch>(std::move(plan), first, options_);
  return Iterator(std::shared_ptr<Epoch>(made.release(), [](Epoch* epoch) {
    if (!epoch->was_forked()) std::default_delete<Epoch>()(epoch);
  }));
}

DataLoader::Iterator& DataLoader::Iterator::operator++() {
  batch_ = {};  // gives its memory back before the next one is made
  if (!epoch_->next(batch_)) epoch_.reset();
  return *this;
}

}  // namespace gradus::data
