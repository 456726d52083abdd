// Counter-based random numbers (Philox4x32-10) with separate streams.
#pragma once

#include <array>
#include <cstdint>

namespace gradus {

/// What random numbers are drawn for. Each purpose has a stream of its own, so that drawing more
/// from one (evaluating more often, shuffling another data set) never changes another. `general` is
/// for functions called without a generator, such as randn({2, 3}).
enum class Stream : uint32_t { init, shuffle, dropout, augmentation, general };

/// One block of the Philox4x32-10 generator: four random words as a pure function of a key and a
/// counter (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011).
std::array<uint32_t, 4> philox(uint64_t key, uint64_t counter_high, uint64_t counter_low);

/// A position in a random stream: a value type, cheap to copy and to save. Number i of the stream
/// is a function of only (seed, stream, i), so threads can draw any part of it in any order.
struct Rng {
  uint64_t seed = 0;      ///< the key: different seeds give different numbers
  uint64_t stream = 0;    ///< a Stream as a number
  uint64_t position = 0;  ///< in words of 32 bits

  Rng() = default;
  explicit Rng(uint64_t s, Stream which = Stream::init)
      : seed(s), stream(static_cast<uint64_t>(which)) {}

  /// The word at `position + offset`, without moving.
  uint32_t word_at(uint64_t offset) const;
  /// The next word; advances by one.
  uint32_t next();
  /// Uniform in [0, 1) with 53 random bits; advances by two.
  double uniform();
  /// Uniform in [lo, hi).
  double uniform(double lo, double hi) { return lo + (hi - lo) * uniform(); }
  /// Normal with mean 0 and standard deviation 1 (Box-Muller); advances by four.
  double normal();
  /// Uniform integer in [0, n), without bias. n must be positive.
  uint64_t below(uint64_t n);
  /// Returns the generator at the current position and advances this one by `words`, for a kernel
  /// that draws `words` numbers on its own.
  Rng take(uint64_t words);
  /// An independent generator derived from this one's seed and stream, and `id`: for an epoch or a
  /// sample.
  Rng fork(uint64_t id) const;

  friend bool operator==(const Rng&, const Rng&) = default;
};

/// The random state of the calling thread: what layers draw from when they are built and when they
/// drop out. Seed, stream and position of each; saved and restored as a value.
struct RandomState {
  std::array<Rng, 5> streams;  ///< in the order of Stream
};

/// Restarts all streams of the calling thread from `seed`. Without it the seed is 0.
void manual_seed(uint64_t seed);
/// The calling thread's generator for one purpose.
Rng& default_rng(Stream stream);
/// The state of the calling thread, and continuing from it.
/// @{
RandomState random_state();
void set_random_state(const RandomState& state);
/// @}

/// Restores the positions of this thread's streams at the end of a scope: draws within it leave no
/// trace.
class RandomScope {
 public:
  RandomScope() : before_(random_state()) {}
  ~RandomScope() { set_random_state(before_); }
  RandomScope(const RandomScope&) = delete;
  RandomScope& operator=(const RandomScope&) = delete;

 private:
  RandomState before_;
};

}  // namespace gradus
