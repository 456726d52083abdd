#include "loader.h"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <numeric>
#include <stop_token>
#include <thread>
#include <vector>

#include "../core/base/random.h"
#include "../core/tape.h"

namespace gradus::data {

namespace {

/// The numbers of all samples, shuffled (Fisher-Yates) as a function of seed and epoch alone.
std::vector<int64_t> sample_order(int64_t size, const LoaderOptions& options, int64_t epoch) {
  std::vector<int64_t> order(static_cast<size_t>(size));
  std::iota(order.begin(), order.end(), int64_t{0});
  if (!options.shuffle) return order;
  Generator generator = Generator(options.seed, Stream::shuffle).fork(static_cast<uint64_t>(epoch));
  for (size_t left = order.size(); left > 1; --left) {
    std::swap(order[left - 1], order[generator.below(left)]);
  }
  return order;
}

/// Makes each batch when it is asked for.
class DirectEpoch : public DataLoader::Epoch {
 public:
  DirectEpoch(DatasetPtr dataset, std::vector<int64_t> order, int64_t batch_size,
              int64_t first_batch, int64_t batches)
      : dataset_(std::move(dataset)),
        order_(std::move(order)),
        batch_size_(static_cast<size_t>(batch_size)),
        position_(static_cast<size_t>(first_batch)),
        batches_(static_cast<size_t>(batches)) {}

  bool next(Batch& batch) override {
    if (position_ >= batches_) return false;
    const NoGrad pause;
    const size_t begin = position_++ * batch_size_;
    const size_t size = std::min(batch_size_, order_.size() - begin);
    batch = dataset_->gather(std::span(order_).subspan(begin, size));
    return true;
  }

 private:
  DatasetPtr dataset_;
  std::vector<int64_t> order_;
  size_t batch_size_, position_, batches_;
};

/// Lets a thread run ahead of the consumer by a bounded number of batches.
class PrefetchedEpoch : public DataLoader::Epoch {
 public:
  PrefetchedEpoch(std::unique_ptr<DataLoader::Epoch> source, size_t capacity)
      : source_(std::move(source)),
        capacity_(capacity),
        thread_([this](const std::stop_token& stop) { produce(stop); }) {}

  bool next(Batch& batch) override {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return !ready_.empty() || finished_; });
    if (ready_.empty()) {
      if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
      return false;
    }
    batch = std::move(ready_.front());
    ready_.pop_front();
    changed_.notify_all();
    return true;
  }

 private:
  void produce(const std::stop_token& stop) {
    std::exception_ptr failure;
    try {
      for (Batch batch; source_->next(batch);) {
        std::unique_lock lock(mutex_);
        if (!changed_.wait(lock, stop, [&] { return ready_.size() < capacity_; })) break;
        ready_.push_back(std::move(batch));
        changed_.notify_all();
      }
    } catch (...) {
      failure = std::current_exception();
    }
    const std::lock_guard lock(mutex_);
    failure_ = std::move(failure);
    finished_ = true;
    changed_.notify_all();
  }

  std::unique_ptr<DataLoader::Epoch> source_;
  size_t capacity_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<Batch> ready_;
  bool finished_ = false;
  std::exception_ptr failure_;
  std::jthread thread_;  // last: it stops before anything it uses goes away
};

}  // namespace

DataLoader::DataLoader(DatasetPtr dataset, const LoaderOptions& options)
    : dataset_(std::move(dataset)), options_(options) {
  if (dataset_ == nullptr) throw ValueError("data_loader", "the data set is a null pointer");
  if (options.batch_size < 1) {
    throw ValueError("data_loader", str("batch_size must be at least 1, got ", options.batch_size));
  }
  if (options.prefetch < 0) {
    throw ValueError("data_loader", str("prefetch must not be negative, got ", options.prefetch),
                     "0 means no prefetching");
  }
}

int64_t DataLoader::size() const {
  const int64_t rest = options_.drop_last ? 0 : options_.batch_size - 1;
  return (dataset_->size() + rest) / options_.batch_size;
}

void DataLoader::set_epoch(int64_t epoch, int64_t first_batch) {
  if (epoch < 0 || first_batch < 0) {
    throw ValueError("data_loader", str("epochs and batches are counted from 0, got epoch ", epoch,
                                        ", batch ", first_batch));
  }
  epoch_ = epoch;
  first_batch_ = first_batch;
}

DataLoader::Iterator DataLoader::begin() {
  std::unique_ptr<Epoch> epoch =
      std::make_unique<DirectEpoch>(dataset_, sample_order(dataset_->size(), options_, epoch_),
                                    options_.batch_size, first_batch_, size());
  if (options_.prefetch > 0) {
    epoch =
        std::make_unique<PrefetchedEpoch>(std::move(epoch), static_cast<size_t>(options_.prefetch));
  }
  ++epoch_;
  first_batch_ = 0;
  return Iterator(std::move(epoch));
}

DataLoader::Iterator& DataLoader::Iterator::operator++() {
  batch_ = {};  // gives its memory back before the next one is made
  if (!epoch_->next(batch_)) epoch_.reset();
  return *this;
}

}  // namespace gradus::data
