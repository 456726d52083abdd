// Several threads at once: loops, tapes, nets, random numbers, data and files. Meant for the thread
// sanitizer as much as for the results.
#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <numeric>
#include <semaphore>
#include <thread>
#include <vector>

#include "../../core/base/parallel_for.h"
#include "../../core/base/random.h"
#include "../../core/grad.h"
#include "../../core/io/safetensors.h"
#include "../../datasets/loader.h"
#include "../../datasets/synthetic.h"
#include "../../nn/model_json.h"
#include "../../nn/running_statistics.h"
#include "../../optim/adam.h"
#include "../support/errors.h"
#include "../support/temporary_folder.h"
#include "../support/threads.h"

using namespace gradus;

namespace {

constexpr size_t thread_count = 4;

/// Runs `work(i)` in several threads at once and waits for all of them.
void in_threads(const std::function<void(size_t)>& work) {
  std::vector<std::jthread> threads;
  for (size_t i = 0; i < thread_count; ++i) threads.emplace_back([&work, i] { work(i); });
}

/// A net with convolutions, statistics and random numbers, for images [N,1,8,8].
std::unique_ptr<nn::Sequential> small_net(uint64_t seed) {
  manual_seed(seed);
  return nn::from_json(R"({"layers": [
    {"type": "Conv2d", "options": {"in_channels": 1, "out_channels": 4, "kernel_size": 3}},
    {"type": "BatchNorm2d", "options": {"num_features": 4}}, {"type": "ReLU"},
    {"type": "MaxPool2d", "options": {"kernel_size": 2}}, {"type": "Dropout"}, {"type": "Flatten"},
    {"type": "Linear", "options": {"in_features": 36, "out_features": 10}}]})");
}

Tensor images(int64_t count, uint64_t seed) {
  Rng generator(seed);
  return randn({count, 1, 8, 8}, generator);
}

Tensor some_labels(int64_t count) {
  Tensor labels = zeros({count}, int64);
  for (int64_t i = 0; i < count; ++i) labels.mutable_data<int64_t>()[i] = i % 10;
  return labels;
}

/// The weights after a few steps of training.
std::vector<float> trained_weights(uint64_t seed) {
  const auto net = small_net(seed);
  optim::Adam adam(net->named_parameters(), {.lr = 1e-2});
  for (uint64_t step = 0; step < 3; ++step) {
    Tape tape;
    tape.backward(cross_entropy((*net)(images(6, seed + step)), some_labels(6)));
    adam.step();
    adam.zero_grad();
  }
  std::vector<float> weights;
  for (const NamedTensor& p : net->named_parameters()) {
    const std::vector<float> values = p.tensor.to_vector<float>();
    weights.insert(weights.end(), values.begin(), values.end());
  }
  return weights;
}

}  // namespace

TEST_CASE("parallel loops of several threads, nested ones too, do all their pieces once") {
  const test::ThreadsScope scope(3);
  in_threads([](size_t) {
    for (int round = 0; round < 50; ++round) {
      std::vector<int> visits(1000, 0);
      parallel_for(1000, 7, [&](int64_t begin, int64_t end) {
        parallel_for(end - begin, 2, [&](int64_t first, int64_t last) {
          for (int64_t i = first; i < last; ++i) ++visits[static_cast<size_t>(begin + i)];
        });
      });
      if (std::count(visits.begin(), visits.end(), 1) != 1000) FAIL_CHECK("a piece is missing");
    }
  });
}

TEST_CASE("an exception in a parallel loop reaches the thread that called it, and no other") {
  const test::ThreadsScope scope(3);
  std::atomic<int> caught = 0, unharmed = 0;
  in_threads([&](size_t thread) {
    for (int round = 0; round < 50; ++round) {
      try {
        parallel_for(100, 1, [&](int64_t begin, int64_t) {
          if (thread == 0 && begin == 42) throw ValueError("loop", "42", "43");
        });
        ++unharmed;
      } catch (const ValueError&) {
        ++caught;
      }
    }
  });
  CHECK(caught == 50);
  CHECK(unharmed == 150);
}

TEST_CASE("the number of threads may change while loops run") {
  const test::ThreadsScope scope(2);
  in_threads([](size_t thread) {
    for (int round = 0; round < 30; ++round) {
      if (thread == 0) set_num_threads(1 + round % 4);
      std::atomic<int64_t> sum = 0;
      parallel_for(64, 1, [&](int64_t begin, int64_t) { sum += begin; });
      if (sum != 63 * 64 / 2) FAIL_CHECK("a piece is missing");
    }
  });
}

TEST_CASE("a helper that is kept from working is left alone for a while") {
  using namespace std::chrono_literals;
  const test::ThreadsScope scope(2);
  const std::thread::id caller = std::this_thread::get_id();
  // Whether the helper takes one of two pieces; it is kept in it so long, while the caller waits.
  const auto helper_joins = [&](std::chrono::milliseconds kept) {
    std::binary_semaphore has_joined(0);
    std::atomic<bool> found = false;
    parallel_for(2, 1, [&](int64_t, int64_t) {
      if (std::this_thread::get_id() == caller) {
        if (!found && has_joined.try_acquire_for(20ms)) has_joined.release();
        return;
      }
      found = true;
      has_joined.release();
      std::this_thread::sleep_for(kept);  // as if another process had its processor
    });
    return found.load();
  };
  const auto joins_at_last = [&](std::chrono::milliseconds kept) {
    const auto deadline = std::chrono::steady_clock::now() + 20s;
    bool joins = false;
    while (!joins && std::chrono::steady_clock::now() < deadline) joins = helper_joins(kept);
    return joins;
  };

  REQUIRE(joins_at_last(60ms));
  CHECK_FALSE(helper_joins(0ms));
  CHECK(joins_at_last(0ms));
}

TEST_CASE("nets trained in threads of their own become what they become alone") {
  const test::ThreadsScope scope(2);
  std::vector<std::vector<float>> together(thread_count), alone;
  for (size_t i = 0; i < thread_count; ++i) alone.push_back(trained_weights(i));
  in_threads([&](size_t i) { together[i] = trained_weights(i); });
  CHECK(together == alone);
}

TEST_CASE("each thread has random numbers of its own") {
  manual_seed(1);
  const RandomState before = random_state();
  std::vector<double> first(thread_count);
  in_threads([&](size_t i) {
    manual_seed(7);
    first[i] = default_rng(Stream::init).uniform();
  });
  CHECK(std::count(first.begin(), first.end(), first[0]) == thread_count);
  CHECK(random_state().streams == before.streams);
  std::jthread([&] { first[0] = default_rng(Stream::init).uniform(); }).join();
  CHECK(first[0] == Rng(0).uniform());  // a new thread starts from seed 0
}

TEST_CASE("threads evaluate one net together") {
  const test::ThreadsScope scope(2);
  const auto net = small_net(3);
  net->eval();
  const Tensor x = images(5, 1);
  const std::vector<float> expected = (*net)(x).to_vector<float>();
  std::vector<char> same(thread_count, 0);
  in_threads([&](size_t i) {
    for (int round = 0; round < 10; ++round) same[i] = (*net)(x).to_vector<float>() == expected;
  });
  CHECK(std::count(same.begin(), same.end(), 1) == thread_count);
}

TEST_CASE("threads share parameters and take gradients with grad(), each on its own tape") {
  const test::ThreadsScope scope(2);
  const auto net = small_net(3);
  net->eval();  // statistics are read, not written
  std::vector<Tensor> parameters;
  for (const NamedTensor& p : net->named_parameters()) parameters.push_back(p.tensor);
  const auto gradient = [&](size_t part) {
    Tape tape;
    const Tensor loss = cross_entropy((*net)(images(4, part)), some_labels(4));
    return grad(loss, parameters)[0].to_vector<float>();
  };
  std::vector<std::vector<float>> together(thread_count), alone;
  for (size_t i = 0; i < thread_count; ++i) alone.push_back(gradient(i));
  in_threads([&](size_t i) { together[i] = gradient(i); });
  CHECK(together == alone);
  CHECK_FALSE(parameters[0].grad().defined());
}

TEST_CASE("a tape is refused in another thread than its own") {
  Tensor x = ones({2});
  x.requires_grad_();
  Tape tape;
  const Tensor loss = sum(mul(x, x));
  std::string backward, trim, use;
  std::jthread([&] {
    backward = test::message_of([&] { tape.backward(loss); });
    trim = test::message_of([&] { tape.trim({0}); });
    Tape own;
    use = test::message_of([&] { mul(loss, loss); });
  }).join();
  CHECK(backward ==
        "[backward] this tape was opened by another thread. Hint: open a tape in each thread that "
        "computes gradients, and replay it there");
  CHECK(trim.starts_with("[trim] this tape was opened by another thread"));
  CHECK(use.find("belongs to a tape that has ended or is another thread's") != std::string::npos);
  tape.backward(loss);  // unharmed
  CHECK(x.grad().to_vector<float>() == std::vector<float>{2, 2});
}

TEST_CASE("what another thread computes is not on the tape") {
  Tensor x = ones({2});
  x.requires_grad_();
  const Tape tape;
  Tensor y;
  std::jthread([&] { y = mul(x, 2.0); }).join();
  CHECK_FALSE(y.requires_grad());
  CHECK(tape.size() == 0);
}

TEST_CASE("loaders of several threads read one data set") {
  const auto digits = data::synthetic_digits(40, {.seed = 2});
  const auto dataset =
      data::share(data::TensorDataset(digits.x.reshape({40, 1, 28, 28}).to(float32), digits.y));
  // All that an epoch gives, in its order: shuffled, and shifted at random.
  const auto epoch = [&](uint64_t seed) {
    data::DataLoader loader(dataset, {.batch_size = 7,
                                      .seed = seed,
                                      .num_workers = 2,
                                      .transform = data::RandomShift{.pixels = 2}});
    std::vector<float> all;
    for (const auto& [x, y] : loader) {
      for (const Tensor& part : {x, y.to(float32)}) {
        const std::vector<float> values = part.to_vector<float>();
        all.insert(all.end(), values.begin(), values.end());
      }
    }
    return all;
  };
  std::vector<std::vector<float>> alone(thread_count), together(thread_count);
  for (size_t i = 0; i < thread_count; ++i) alone[i] = epoch(i);
  in_threads([&](size_t i) { together[i] = epoch(i); });
  CHECK((together == alone));
  CHECK((alone[0] != alone[1]));
}

TEST_CASE("a file that several threads write is always whole") {
  const test::TemporaryFolder folder;
  const auto path = folder / "weights.safetensors";
  save_safetensors(path, {{"w", zeros({100})}});
  in_threads([&](size_t i) {
    for (int round = 0; round < 10; ++round) {
      save_safetensors(path, {{"w", full({100}, static_cast<double>(i))}});
      const std::vector<float> w = load_safetensors(path).at("w").to_vector<float>();
      if (std::count(w.begin(), w.end(), w[0]) != 100) FAIL_CHECK("a mixture of two writes");
    }
  });
  const auto files = std::filesystem::directory_iterator(folder.path());
  CHECK(std::distance(begin(files), end(files)) == 1);  // no temporary file stays
}
