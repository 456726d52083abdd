#include "data_parallel.h"

#include <algorithm>
#include <condition_variable>
#include <cstring>
#include <exception>
#include <mutex>
#include <optional>
#include <thread>

#include "../core/base/error.h"
#include "../core/base/parallel_for.h"
#include "../core/base/random.h"
#include "../core/base/serial_scope.h"
#include "../core/distributed/shards.h"
#include "../core/grad.h"
#include "../core/ops.h"
#include "../nn/norm.h"

namespace gradus::optim {

namespace {

constexpr const char* op = "data_parallel";

/// Thrown in shards that wait for one that has failed.
struct Abandoned : std::exception {};

/// [0, n) in `parts` adjacent ranges of almost equal size: where number k begins.
int64_t begin_of(int64_t k, int64_t parts, int64_t n) {
  return n * k / parts;
}

std::span<const std::byte> bytes_of(const Tensor& t) {
  return {static_cast<const std::byte*>(t.raw_data()),
          static_cast<size_t>(t.numel()) * size_of(t.dtype())};
}
std::span<std::byte> mutable_bytes_of(Tensor& t) {
  return {static_cast<std::byte*>(t.raw_mutable_data()),
          static_cast<size_t>(t.numel()) * size_of(t.dtype())};
}

/// Adds the rows of x [n, ...] in their order.
Tensor sum_in_order(const Tensor& x) {
  Tensor sum = select(x, 0, 0).clone();
  for (int64_t k = 1; k < x.size(0); ++k) sum.add_(select(x, 0, k));
  return sum;
}

}  // namespace

Tensor Shard::of(const Tensor& x) const {
  return narrow(x, 0, first, size);
}

/// The shards of this rank, a thread each, and what they exchange.
class DataParallel::Team : public distributed::Shards {
 public:
  Team(nn::Module& net, const DataParallelOptions& options)
      : net_(net),
        ranks_(options.ranks != nullptr ? *options.ranks : distributed::one_process()),
        shards_(options.shards) {
    require(shards_ >= 1, op, "8 are usual", "expected at least 1 shard, got ", shards_);
    require(shards_ >= ranks_.size(), op,
            "each process computes at least one: start fewer, or ask "
            "for more shards",
            shards_, " shards are too few for ", ranks_.size(), " processes");
    first_ = begin_of(ranks_.rank(), ranks_.size(), shards_);
    own_ = static_cast<size_t>(shards_of(ranks_.rank()));
    for (const auto& [path, module] : net.named_modules()) {
      require(!module->type().starts_with("SpectralNorm"), op, "train it without shards", "(", path,
              ") ", module->type(),
              " changes its buffers in each forward, which shards would do several times");
      if (auto* norm = dynamic_cast<nn::ChannelNormLayer*>(module)) norms_.push_back(norm);
    }
    for (const NamedTensor& p : net.named_parameters()) {
      require(p.tensor.dtype() == net.named_parameters()[0].tensor.dtype(), op,
              "convert the net with .to(dtype)", "its parameters are of several types");
    }
    copy_from_first_rank();
    places_ = std::vector<Place>(own_);
    for (size_t w = 0; w < own_; ++w) threads_.emplace_back([this, w] { work(w); });
  }

  ~Team() override {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    begun_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }

  int64_t count() const override { return shards_; }
  int64_t first() const { return first_; }
  int64_t end() const { return first_ + static_cast<int64_t>(own_); }

  Result step(int64_t batch_size, const Forward& forward, const TapeOptions& tape_options) {
    require(batch_size >= 1, op, "it counts the samples of all ranks", "a batch of ", batch_size,
            " samples has no gradient");
    std::vector<Tensor> sums;
    {
      const NormScope norms(*this);
      begin(batch_size, forward, tape_options);
      sums = add_up();
    }
    for (const Place& place : places_) {
      if (place.error && !place.abandoned) std::rethrow_exception(place.error);
    }
    const Tensor rows = gather_rows(all_results());
    if (ranks_.size() > 1) sums = exchange_gradients();
    finish(rows);
    return publish(rows, std::move(sums), batch_size);
  }

  // --- What layers call, in the threads of shards ---

  Tensor gather(const Tensor& local) override {
    std::unique_lock lock(mutex_);
    if (failed_) throw Abandoned();
    require<Error>(workers_ == own_, op, "shards that exchange run at the same time",
                   "no layer of the net is synchronized");
    own_place().row = local;
    const int64_t round = round_;
    if (++arrived_ + finished_ < own_) {
      --running_;
      changed_.notify_all();
      changed_.wait(lock, [&] { return round_ != round || failed_; });
      changed_.wait(lock, [&] { return running_ < allowed_; });
      ++running_;
      if (round_ == round) throw Abandoned();
      return gathered_;
    }
    try {
      require<Error>(finished_ == 0, op, "the calls of each shard must be the same",
                     "some shards wait for others that have already ended");
      std::vector<Tensor> rows;
      for (Place& place : places_) rows.push_back(std::exchange(place.row, {}));
      gathered_ = gather_rows(rows);
    } catch (...) {
      failed_ = true;
      changed_.notify_all();
      throw;
    }
    arrived_ = 0;
    ++round_;
    changed_.notify_all();
    return gathered_;
  }

  void finish_with(const Tensor& local, std::function<void(const Tensor& all)> finish) override {
    const std::lock_guard lock(mutex_);
    own_place().pending.push_back({local, std::move(finish)});
  }

 private:
  struct Pending {
    Tensor local;
    std::function<void(const Tensor& all)> finish;
  };
  /// One shard of this rank.
  struct Place {
    std::thread::id thread = {};  ///< that computes it
    RandomState random = {};
    ShardSums sums = {};
    std::vector<Tensor> gradients = {};
    std::vector<Pending> pending = {};
    Tensor row = {};
    bool finished = false, abandoned = false;
    std::exception_ptr error = {};
  };

  /// While it lives, norms know of the shards.
  struct NormScope {
    Team& team;
    explicit NormScope(Team& t) : team(t) { set(&t); }
    ~NormScope() { set(nullptr); }
    NormScope(const NormScope&) = delete;
    NormScope& operator=(const NormScope&) = delete;
    void set(Shards* shards) const {
      for (nn::ChannelNormLayer* norm : team.norms_) norm->set_shards(shards);
    }
  };

  /// That of the shard which this thread computes.
  Place& own_place() {
    const auto place = std::ranges::find(places_, std::this_thread::get_id(), &Place::thread);
    require<Error>(place != places_.end(), op, "call the net in the function given to step()",
                   "shards were used outside of one");
    return *place;
  }

  void copy_from_first_rank() {
    if (ranks_.size() == 1) return;
    const NoGrad pause;
    for (const NamedTensors& list : {net_.named_parameters(), net_.named_buffers()}) {
      for (const NamedTensor& named : list) {
        Tensor target = named.tensor, copy = target.contiguous().clone();
        ranks_.broadcast(mutable_bytes_of(copy));
        target.copy_(copy);
      }
    }
  }

  // --- The threads ---

  void begin(int64_t batch_size, const Forward& forward, const TapeOptions& tape_options) {
    forward_ = &forward;
    tape_options_ = tape_options;
    batch_size_ = batch_size;
    parameters_.clear();
    elements_ = 0;
    for (const NamedTensor& p : net_.named_parameters()) {
      if (!p.tensor.requires_grad()) continue;
      parameters_.push_back(p.tensor);
      elements_ += p.tensor.numel();
    }
    Rng& rng = default_rng(Stream::dropout);
    const uint64_t high = rng.next(), key = high << 32 | rng.next();
    const RandomState random = random_state();
    const std::lock_guard lock(mutex_);
    for (size_t k = 0; k < own_; ++k) {
      Place& place = places_[k];
      place.random = random;
      for (const Stream stream : {Stream::dropout, Stream::general}) {
        place.random.streams[static_cast<size_t>(stream)] =
            Rng(key, stream).fork(static_cast<uint64_t>(first_) + k);
      }
      place.sums = {};
      place.gradients.clear();
      place.pending.clear();
      place.row = {};
      place.thread = {};
      place.finished = place.abandoned = false;
      place.error = nullptr;
    }
    failed_ = false;
    next_ = finished_ = arrived_ = running_ = 0;
    allowed_ = static_cast<size_t>(num_threads());
    // Shards that wait for each other need a thread each. Others are computed one after the other
    // by as many threads as run, whose buffers are then still in the cache.
    const bool exchange = std::ranges::any_of(norms_, &nn::ChannelNormLayer::is_synchronized);
    workers_ = exchange ? own_ : std::min(own_, allowed_);
    ++generation_;
    begun_.notify_all();
  }

  /// Thread number `worker`: takes shards, step after step.
  void work(size_t worker) {
    uint64_t seen = 0;
    std::unique_lock lock(mutex_);
    while (true) {
      begun_.wait(lock, [&] { return stopping_ || generation_ != seen; });
      if (stopping_) return;
      seen = generation_;
      while (worker < workers_ && next_ < own_) {
        const size_t k = next_++;
        places_[k].thread = std::this_thread::get_id();
        changed_.wait(lock, [&] { return running_ < allowed_; });
        ++running_;
        if (!failed_) compute_unlocked(lock, k);
        --running_;
        end(places_[k]);
      }
    }
  }

  void compute_unlocked(std::unique_lock<std::mutex>& lock, size_t k) {
    Place& place = places_[k];
    lock.unlock();
    try {
      compute(k);
    } catch (const Abandoned&) {
      place.abandoned = true;
      place.error = std::current_exception();
    } catch (...) {
      place.error = std::current_exception();
    }
    lock.lock();
  }

  void end(Place& place) {
    ++finished_;
    place.finished = true;
    place.thread = {};
    failed_ = failed_ || place.error;
    if (arrived_ > 0 && arrived_ + finished_ == own_ && !failed_) {
      failed_ = true;
      place.error = std::make_exception_ptr(Error(op, "some shards wait for one that has ended",
                                                  "the calls of each shard must be the same"));
    }
    changed_.notify_all();
  }

  /// The forward and backward pass of one shard.
  void compute(size_t k) {
    const SerialScope serial(own_ >= allowed_);
    Place& place = places_[k];
    set_random_state(place.random);
    const auto begin_of_shard = [&](int64_t index) {
      return begin_of(index, shards_, batch_size_);
    };
    const int64_t index = first_ + static_cast<int64_t>(k), begin = begin_of_shard(index);
    const Shard shard{index, begin - begin_of_shard(first_), begin_of_shard(index + 1) - begin};
    Tape tape(tape_options_);
    place.sums = (*forward_)(shard);
    const Tensor& loss = place.sums.loss;
    require<ShapeError>(loss.defined() && loss.numel() == 1, op,
                        "return the sum of the losses of the shard's samples",
                        "expected a loss with one element, got ",
                        loss.defined() ? str(loss.shape()) : "none");
    const Tensor scale = full(loss.shape(), 1 / static_cast<double>(batch_size_), loss.dtype());
    place.gradients = grad(loss, parameters_, {.gradient = scale, .allow_unused = true});
    place.sums.loss = loss.detach();
  }

  /// Waits for the shards. With one rank, their gradients are added up as they arrive.
  std::vector<Tensor> add_up() {
    const SerialScope serial;
    const NoGrad pause;
    std::vector<Tensor> sums(parameters_.size());
    for (Place& place : places_) {
      {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return place.finished; });
      }
      if (ranks_.size() > 1 || place.error) continue;
      for (size_t i = 0; i < place.gradients.size(); ++i) {
        Tensor& gradient = place.gradients[i];
        if (!gradient.defined()) continue;
        sums[i].defined() ? static_cast<void>(sums[i].add_(gradient))
                          : static_cast<void>(sums[i] = std::move(gradient));
        gradient = sums[i];  // that there was one
      }
    }
    return sums;
  }

  // --- Between the ranks ---

  /// How many shards rank r computes.
  int64_t shards_of(int r) const {
    return begin_of(r + 1, ranks_.size(), shards_) - begin_of(r, ranks_.size(), shards_);
  }

  /// Rows of the shards of this rank, [n] of double each, to those of all shards, [shards, n].
  Tensor gather_rows(const std::vector<Tensor>& own) {
    const int64_t n = own[0].numel();
    for (const Tensor& row : own) {
      require<Error>(row.numel() == n, op, "the calls of each shard must be the same",
                     "shards gave ", n, " and ", row.numel(), " numbers");
    }
    Tensor all = Tensor::empty({shards_, n}, float64);
    const Tensor mine = own.size() == 1 ? own[0] : cat(own);
    std::vector<int64_t> sizes;
    sizes.reserve(static_cast<size_t>(ranks_.size()));
    for (int r = 0; r < ranks_.size(); ++r) {
      sizes.push_back(shards_of(r) * n * static_cast<int64_t>(sizeof(double)));
    }
    ranks_.allgather(bytes_of(mine), sizes, mutable_bytes_of(all));
    return all;
  }

  /// Of each shard: loss, values, which parameters have a gradient, what layers finish with.
  std::vector<Tensor> all_results() const {
    std::vector<Tensor> rows;
    for (const Place& place : places_) {
      std::vector<double> row = {place.sums.loss.item()};
      row.insert(row.end(), place.sums.values.begin(), place.sums.values.end());
      for (const Tensor& g : place.gradients) row.push_back(g.defined() ? 1 : 0);
      for (const Pending& pending : place.pending) {
        if (!pending.local.defined()) continue;
        const double* const values = pending.local.data<double>();
        row.insert(row.end(), values, values + pending.local.numel());
      }
      rows.push_back(tensor(row));
    }
    return rows;
  }

  /// The part of all gradients, one after the other, that rank r adds up: [first, second).
  std::pair<int64_t, int64_t> slice_of(int r) const {
    return {begin_of(r, ranks_.size(), elements_), begin_of(r + 1, ranks_.size(), elements_)};
  }

  /// The gradients of this rank's shards, as the ranks get them: for each rank its slice of the
  /// first shard, of the second ...
  Tensor packed_gradients(DType dtype) const {
    Tensor packed = Tensor::empty({static_cast<int64_t>(own_) * elements_}, dtype);
    const auto width = static_cast<int64_t>(size_of(dtype));
    std::byte* to = mutable_bytes_of(packed).data();
    for (int r = 0; r < ranks_.size(); ++r) {
      const auto [first, last] = slice_of(r);
      for (const Place& place : places_) {
        int64_t at = 0;  // of a parameter's first element among all
        for (size_t i = 0; i < parameters_.size(); ++i) {
          const int64_t begin = std::max(first, at), n = parameters_[i].numel();
          const int64_t bytes = (std::min(last, at + n) - begin) * width;
          const Tensor& g = place.gradients[i];
          if (bytes > 0 && g.defined()) {
            std::memcpy(to, bytes_of(g).data() + (begin - at) * width, static_cast<size_t>(bytes));
          } else if (bytes > 0) {
            std::memset(to, 0, static_cast<size_t>(bytes));
          }
          to += std::max<int64_t>(bytes, 0);
          at += n;
        }
      }
    }
    return packed;
  }

  /// Each rank gets a slice of the gradients of all shards, adds them in their order, and gives the
  /// sum to all. Returns the sums of whole batches.
  std::vector<Tensor> exchange_gradients() {
    const NoGrad pause;
    const DType dtype = parameters_.empty() ? float32 : parameters_[0].dtype();
    const auto width = static_cast<int64_t>(size_of(dtype));
    const int ranks = ranks_.size();
    const auto [begin, end] = slice_of(ranks_.rank());
    std::vector<int64_t> to, from, slices;
    for (int r = 0; r < ranks; ++r) {
      const auto [first, last] = slice_of(r);
      to.push_back(static_cast<int64_t>(own_) * (last - first) * width);
      from.push_back(shards_of(r) * (end - begin) * width);
      slices.push_back((last - first) * width);
    }
    const Tensor send = packed_gradients(dtype);
    Tensor received = Tensor::empty({shards_, end - begin}, dtype);
    ranks_.alltoall(bytes_of(send), to, from, mutable_bytes_of(received));
    const Tensor slice = sum_in_order(received);
    Tensor whole = Tensor::empty({elements_}, dtype);
    ranks_.allgather(bytes_of(slice), slices, mutable_bytes_of(whole));
    std::vector<Tensor> sums;
    int64_t at = 0;
    for (const Tensor& p : parameters_) {
      sums.push_back(reshape(narrow(whole, 0, at, p.numel()), p.shape()).clone());
      at += p.numel();
    }
    return sums;
  }

  // --- After the shards ---

  void finish(const Tensor& rows) {
    const std::vector<Pending>& pending = places_[0].pending;
    auto at = static_cast<int64_t>(1 + places_[0].sums.values.size() + parameters_.size());
    for (const Pending& p : pending) {
      const int64_t n = p.local.defined() ? p.local.numel() : 0;
      p.finish(n > 0 ? narrow(rows, 1, at, n).clone() : Tensor());
      at += n;
    }
    for (Place& place : places_) place.pending.clear();
  }

  Result publish(const Tensor& rows, std::vector<Tensor> sums, int64_t batch_size) {
    const NoGrad pause;
    const Tensor totals = sum_in_order(rows);
    const auto values = places_[0].sums.values.size();
    for (size_t i = 0; i < parameters_.size(); ++i) {
      if (totals[static_cast<int64_t>(1 + values + i)].item() == 0) continue;  // it is not used
      Tensor& p = parameters_[i];
      p.set_grad(p.grad().defined() ? add(p.grad(), sums[i]) : sums[i]);
    }
    Result result{totals[0].item() / static_cast<double>(batch_size), {}};
    for (size_t i = 0; i < values; ++i) {
      result.values.push_back(totals[static_cast<int64_t>(1 + i)].item());
    }
    for (Place& place : places_) place.gradients.clear();
    return result;
  }

  nn::Module& net_;
  distributed::Communicator& ranks_;
  const int64_t shards_;
  int64_t first_ = 0;  // this rank's first shard
  size_t own_ = 0;     // and how many it has
  std::vector<nn::ChannelNormLayer*> norms_;

  // Of the present step.
  const Forward* forward_ = nullptr;
  TapeOptions tape_options_;
  int64_t batch_size_ = 0;
  std::vector<Tensor> parameters_;  // that ask for gradients
  int64_t elements_ = 0;            // of all of them

  std::mutex mutex_;
  std::condition_variable begun_;    // a step, or the end
  std::condition_variable changed_;  // where the shards of a step are
  bool stopping_ = false, failed_ = false;
  uint64_t generation_ = 0;
  int64_t round_ = 0;                                // of gather()
  size_t next_ = 0;                                  // the shard that no thread has taken
  size_t arrived_ = 0, finished_ = 0, running_ = 0;  // shards
  size_t allowed_ = 1;                               // to run at once
  Tensor gathered_;
  size_t workers_ = 0;  // threads that take shards
  std::vector<Place> places_;
  std::vector<std::thread> threads_;
};

DataParallel::DataParallel(nn::Module& net, const DataParallelOptions& options)
    : team_(std::make_unique<Team>(net, options)) {}

DataParallel::~DataParallel() = default;

int64_t DataParallel::shards() const {
  return team_->count();
}

std::function<std::pair<int64_t, int64_t>(int64_t)> DataParallel::part() const {
  return [shards = team_->count(), first = team_->first(), end = team_->end()](int64_t size) {
    return std::pair{begin_of(first, shards, size), begin_of(end, shards, size)};
  };
}

DataParallel::Result DataParallel::step(int64_t batch_size, const Forward& forward,
                                        const TapeOptions& tape_options) {
  return team_->step(batch_size, forward, tape_options);
}

}  // namespace gradus::optim
