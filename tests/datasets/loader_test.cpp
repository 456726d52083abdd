#include "../../datasets/loader.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>

#include "../../core/ops.h"
#include "../../core/tape.h"
#include "support.h"

using namespace gradus;
using namespace gradus::data;

namespace {

DatasetPtr numbers(int64_t n) {
  const Tensor y = arange(n);
  return share(TensorDataset(to(y, float32), y));
}

std::vector<std::vector<int64_t>> run_epoch(DataLoader& loader) {
  std::vector<std::vector<int64_t>> batches;
  for (const auto& [x, y] : loader) {
    CHECK(to(x, int64).to_vector<int64_t>() == y.to_vector<int64_t>());
    batches.push_back(y.to_vector<int64_t>());
  }
  return batches;
}

std::vector<int64_t> flat(const std::vector<std::vector<int64_t>>& batches) {
  std::vector<int64_t> all;
  for (const auto& batch : batches) all.insert(all.end(), batch.begin(), batch.end());
  return all;
}

/// Ten samples, of which number `bad` cannot be read; counts the batches made.
class Fragile : public Dataset {
 public:
  explicit Fragile(int64_t bad, std::atomic<int>* made = nullptr) : bad_(bad), made_(made) {}
  int64_t size() const override { return 10; }
  Sample get(int64_t) const override { return {}; }
  Batch gather(std::span<const int64_t> indices) const override {
    if (made_ != nullptr) ++*made_;
    if (std::count(indices.begin(), indices.end(), bad_) != 0) {
      throw IoError("fragile", "the disk is gone", "look under the table");
    }
    return {zeros({static_cast<int64_t>(indices.size())}), zeros({1})};
  }

 private:
  int64_t bad_;
  std::atomic<int>* made_;
};

/// Images that a random transform changes, and all batches of some epochs of them, as bytes.
DatasetPtr images(int64_t n) {
  Rng random(2);
  return share(TensorDataset(rand({n, 1, 6, 6}, random), arange(n)));
}

std::vector<std::vector<float>> contents(DataLoader& loader, int epochs = 1) {
  std::vector<std::vector<float>> all;
  for (int epoch = 0; epoch < epochs; ++epoch) {
    for (const auto& [x, y] : loader) {
      all.push_back(x.to_vector<float>());
      for (const int64_t number : y.to_vector<int64_t>()) {
        all.back().push_back(static_cast<float>(number));
      }
    }
  }
  return all;
}

const Transform wild = Compose{{RandomAffine{.degrees = 30, .translate = {0.2, 0.2}},
                                ElasticTransform{.alpha = 8, .sigma = 2}, RandomErasing{}}};

/// Waits until that many samples have been made, and then a little longer, in which a thread that
/// does not keep to its bound would make more.
void settle_at(int bound, const std::atomic<int>& made) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (made < bound && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
  CHECK(made >= bound);  // they do work ahead
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
}

}  // namespace

TEST_CASE("without shuffling, batches come in order and the last one is short") {
  DataLoader loader(numbers(7), {.batch_size = 3, .shuffle = false});
  CHECK(loader.size() == 3);
  CHECK(run_epoch(loader) == std::vector<std::vector<int64_t>>{{0, 1, 2}, {3, 4, 5}, {6}});
}

TEST_CASE("drop_last leaves out a last batch that is not full") {
  DataLoader loader(numbers(7), {.batch_size = 3, .shuffle = false, .drop_last = true});
  CHECK(loader.size() == 2);
  CHECK(run_epoch(loader) == std::vector<std::vector<int64_t>>{{0, 1, 2}, {3, 4, 5}});
  DataLoader full(numbers(6), {.batch_size = 3, .drop_last = true});
  CHECK(run_epoch(full).size() == 2);
}

TEST_CASE("a shuffled epoch has every sample once") {
  DataLoader loader(numbers(100), {.batch_size = 7});
  std::vector<int64_t> seen = flat(run_epoch(loader));
  CHECK(!std::is_sorted(seen.begin(), seen.end()));
  std::sort(seen.begin(), seen.end());
  for (int64_t i = 0; i < 100; ++i) CHECK(seen[static_cast<size_t>(i)] == i);
}

TEST_CASE("the order depends on seed and epoch alone") {
  DataLoader a(numbers(50), {.batch_size = 8, .seed = 5});
  DataLoader b(numbers(50), {.batch_size = 8, .seed = 5, .prefetch = 0});
  const auto first = run_epoch(a);
  const auto second = run_epoch(a);
  CHECK(first != second);
  CHECK(run_epoch(b) == first);
  CHECK(run_epoch(b) == second);
  b.set_epoch(0);
  CHECK(run_epoch(b) == first);
  CHECK(b.epoch() == 1);
  DataLoader other(numbers(50), {.batch_size = 8, .seed = 6});
  CHECK(run_epoch(other) != first);
  default_rng(Stream::shuffle).take(99);  // nobody else's drawing changes it
  a.set_epoch(1);
  CHECK(run_epoch(a) == second);
}

TEST_CASE("an epoch can go on in its middle") {
  DataLoader loader(numbers(50), {.batch_size = 8});
  loader.set_epoch(3);
  const auto whole = run_epoch(loader);
  loader.set_epoch(3, 5);
  CHECK(run_epoch(loader) == std::vector(whole.begin() + 5, whole.end()));
  CHECK(run_epoch(loader).size() == whole.size());
  loader.set_epoch(3, 100);
  CHECK(run_epoch(loader).empty());
  CHECK_THROWS_AS(loader.set_epoch(-1), ValueError);
  CHECK_THROWS_AS(loader.set_epoch(0, -1), ValueError);
}

TEST_CASE("prefetching does not change a bit, however far it runs ahead") {
  for (const int prefetch : {0, 1, 2, 100}) {
    DataLoader loader(numbers(40), {.batch_size = 3, .seed = 9, .prefetch = prefetch});
    DataLoader direct(numbers(40), {.batch_size = 3, .seed = 9, .prefetch = 0});
    for (int epoch = 0; epoch < 3; ++epoch) CHECK(run_epoch(loader) == run_epoch(direct));
  }
}

TEST_CASE("leaving an epoch early is clean, and the next one is whole") {
  for (const int prefetch : {0, 1, 4}) {
    const int64_t tensors = live_tensors();
    {
      DataLoader loader(numbers(100), {.batch_size = 2, .prefetch = prefetch});
      for (int epoch = 0; epoch < 20; ++epoch) {
        for (const auto& [x, y] : loader) {
          if (y.size(0) > 0) break;
        }
      }
      CHECK(loader.epoch() == 20);
      CHECK(run_epoch(loader).size() == 50);
    }
    CHECK(live_tensors() == tensors);
  }
}

TEST_CASE("the thread stays within its bound") {
  std::atomic<int> made = 0;
  DataLoader loader(Fragile(-1, &made), {.batch_size = 1, .prefetch = 2});
  auto it = loader.begin();
  settle_at(4, made);
  CHECK(made <= 4);  // one here, two waiting, one in the making
  ++it;
  CHECK(it != loader.end());
}

TEST_CASE("what the data set throws reaches the loop, after the batches before it") {
  for (const int prefetch : {0, 2}) {
    DataLoader loader(Fragile(7), {.batch_size = 2, .shuffle = false, .prefetch = prefetch});
    int batches = 0;
    const std::string text = error_of<IoError>([&] {
      for ([[maybe_unused]] const auto& batch : loader) ++batches;
    });
    CHECK(batches == 3);
    CHECK(text == "[fragile] the disk is gone. Hint: look under the table");
  }
}

TEST_CASE("an empty data set has no batches") {
  DataLoader loader(numbers(0));
  CHECK(loader.size() == 0);
  CHECK(run_epoch(loader).empty());
}

TEST_CASE("a batch larger than the data set is all of it") {
  DataLoader loader(numbers(5));
  CHECK(flat(run_epoch(loader)).size() == 5);
}

TEST_CASE("making a batch records nothing") {
  const DatasetPtr doubled = share(Mapped(numbers(4), [](const Batch& b, std::span<const int64_t>) {
    Tensor x = b.x;
    x.requires_grad_();
    return Batch{mul(x, 2.0).detach(), b.y};
  }));
  DataLoader loader(doubled, {.prefetch = 0});
  Tape tape;
  for ([[maybe_unused]] const auto& batch : loader) {
  }
  CHECK(tape.size() == 0);
}

TEST_CASE("two epochs of one loader can run at once") {
  DataLoader loader(numbers(10), {.batch_size = 5});
  auto a = loader.begin();
  auto b = loader.begin();
  CHECK(a->y.to_vector<int64_t>() != b->y.to_vector<int64_t>());
}

TEST_CASE("a loader refuses options that make no sense") {
  CHECK(contains(error_of<ValueError>([] { DataLoader(numbers(1), {.batch_size = 0}); }),
                 "batch_size must be at least 1, got 0"));
  CHECK(contains(error_of<ValueError>([] { DataLoader(numbers(1), {.prefetch = -1}); }),
                 "prefetch must not be negative"));
  CHECK_THROWS_AS(DataLoader(DatasetPtr{}), ValueError);
}

// --- Workers, transforms and samplers ------------------------------------------------------------

TEST_CASE("batches are the same bit for bit with any number of workers") {
  DataLoader direct(images(50), {.batch_size = 4, .seed = 3, .num_workers = 0, .transform = wild});
  const auto expected = contents(direct, 2);
  REQUIRE(expected.size() == 26);
  CHECK(expected[0] != expected[13]);
  for (const int workers : {1, 2, 3, 8}) {
    for (const int prefetch : {1, 2, 40}) {
      DataLoader loader(images(50), {.batch_size = 4,
                                     .seed = 3,
                                     .prefetch = prefetch,
                                     .num_workers = workers,
                                     .transform = wild});
      CHECK(contents(loader, 2) == expected);
    }
  }
}

TEST_CASE("augmentation depends on seed, epoch and place in the epoch, not on the batch size") {
  const auto flattened = [](const LoaderOptions& options, int64_t epoch) {
    DataLoader loader(images(12), options);
    loader.set_epoch(epoch);
    std::vector<float> all;
    for (const auto& [x, y] : loader) {
      const std::vector<float> values = x.to_vector<float>();
      all.insert(all.end(), values.begin(), values.end());
    }
    return all;
  };
  LoaderOptions options{.batch_size = 4, .shuffle = false, .seed = 3, .transform = wild};
  const auto expected = flattened(options, 1);
  CHECK(flattened(options, 2) != expected);
  options.batch_size = 5;
  CHECK(flattened(options, 1) == expected);
  options.seed = 4;
  CHECK(flattened(options, 1) != expected);
}

TEST_CASE("an augmented epoch goes on in its middle with the same bits") {
  DataLoader loader(images(30), {.batch_size = 4, .num_workers = 3, .transform = wild});
  loader.set_epoch(5);
  const auto whole = contents(loader);
  loader.set_epoch(5, 3);
  CHECK(contents(loader) == std::vector(whole.begin() + 3, whole.end()));
}

TEST_CASE(
    "what a transform throws reaches the loop with the sample's number, after the batches before") {
  const Transform fragile = [](const Tensor& image, Rng&) -> Tensor {
    if (image.item() == 7) throw IoError("fragile", "the lens is dirty", "wipe it");
    return image;
  };
  const Tensor y = arange(0, 20);
  const DatasetPtr dataset = share(TensorDataset(to(y, float32).reshape({20, 1, 1, 1}), y));
  for (const int workers : {0, 1, 3}) {
    DataLoader loader(dataset, {.batch_size = 2,
                                .shuffle = false,
                                .prefetch = 4,
                                .num_workers = workers,
                                .transform = fragile});
    int batches = 0;
    const std::string text = error_of<IoError>([&] {
      for ([[maybe_unused]] const auto& batch : loader) ++batches;
    });
    CHECK(batches == 3);
    CHECK(text == "[fragile] (sample 7) the lens is dirty. Hint: wipe it");
    CHECK_THROWS_AS(contents(loader), IoError);  // and again in the next epoch
  }
}

TEST_CASE("several workers stay within their bound") {
  std::atomic<int> made = 0;
  DataLoader loader(Fragile(-1, &made), {.batch_size = 1, .prefetch = 1, .num_workers = 3});
  auto it = loader.begin();
  settle_at(5, made);
  CHECK(made <= 5);  // one here, one waiting, three in the making
}

TEST_CASE("leaving an augmented epoch early stops all workers and leaks nothing") {
  const int64_t tensors = live_tensors(), memory = live_bytes();
  {
    DataLoader loader(images(64), {.batch_size = 1, .num_workers = 4, .transform = wild});
    for (int epoch = 0; epoch < 20; ++epoch) {
      int64_t count = 0;
      for ([[maybe_unused]] const auto& batch : loader) {
        if (++count > epoch % 5) break;
      }
    }
    auto unused = loader.begin();
  }
  CHECK(live_tensors() == tensors);
  CHECK(live_bytes() == memory);
}

TEST_CASE("a sampler decides which samples come") {
  const auto sampler = std::make_shared<SubsetRandomSampler>(std::vector<int64_t>{3, 3, 8, 1, 6});
  DataLoader loader(numbers(10), {.batch_size = 2, .sampler = sampler});
  CHECK(loader.size() == 3);
  CHECK(flat(run_epoch(loader)) == sampler->order(0));
  CHECK(flat(run_epoch(loader)) == sampler->order(1));
  DataLoader full(numbers(10), {.batch_size = 2, .drop_last = true, .sampler = sampler});
  CHECK(run_epoch(full).size() == 2);
  const auto beyond = std::make_shared<SubsetRandomSampler>(std::vector<int64_t>{10});
  DataLoader bad(numbers(10), {.sampler = beyond});
  CHECK_THROWS_AS(run_epoch(bad), IndexError);
}

TEST_CASE("a sample that comes twice in an epoch is augmented in two ways") {
  const auto twice = std::make_shared<SubsetRandomSampler>(std::vector<int64_t>{4, 4});
  DataLoader loader(images(5), {.batch_size = 1, .transform = wild, .sampler = twice});
  const auto both = contents(loader);
  REQUIRE(both.size() == 2);
  CHECK(both[0] != both[1]);
}

TEST_CASE("a sampler that breaks its promise is refused") {
  struct Liar : Sampler {
    int64_t size() const override { return 3; }
    std::vector<int64_t> order(int64_t) const override { return {0}; }
  };
  DataLoader loader(numbers(5), {.sampler = std::make_shared<Liar>()});
  CHECK(contains(error_of<ValueError>([&] { loader.begin(); }), "promised 3 samples and gave 1"));
}

TEST_CASE("a number of workers that makes no sense is refused") {
  CHECK(contains(error_of<ValueError>([] { DataLoader(numbers(1), {.num_workers = -1}); }),
                 "num_workers must be from 0 to 256, got -1"));
  CHECK_THROWS_AS(DataLoader(numbers(1), {.num_workers = 1000}), ValueError);
}
