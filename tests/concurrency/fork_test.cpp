// Processes that fork or exit while threads are at work.
#include <doctest/doctest.h>

// The thread sanitizer lets no child of a process with threads start threads; the address sanitizer
// leaves its own locks to a child as they were.
#if !defined(GRADUS_SANITIZE_THREAD) && !defined(GRADUS_SANITIZE_ADDRESS)

#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <string>
#include <thread>
#include <vector>

#include "../../core/base/allocator.h"
#include "../../core/base/parallel_for.h"
#include "../../core/loss/loss.h"
#include "../../core/tape.h"
#include "../../datasets/loader.h"
#include "../../datasets/synthetic.h"
#include "../../nn/conv.h"
#include "../../nn/flatten.h"
#include "../../nn/linear.h"
#include "../../nn/sequential.h"
#include "../../optim/sgd.h"
#include "../support/errors.h"
#include "../support/threads.h"

using namespace gradus;

namespace {

/// The exit status of a child that runs `body` and, unless that ends it, exits with its result;
/// minus the number of the signal that ended it, which is SIGALRM where it hangs.
int status_of_child(const std::function<int()>& body) {
  std::cout.flush();  // or the child prints it, too
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    alarm(10);
    _exit(body());
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

/// Runs `work` again and again in several threads while it lives.
class Busy {
 public:
  explicit Busy(const std::function<void(size_t round)>& work) {
    for (int i = 0; i < 3; ++i) {
      threads_.emplace_back([work, this](const std::stop_token& stop) {
        for (size_t round = 0; !stop.stop_requested(); ++round) {
          work(round);
          begun_ = true;
        }
      });
    }
    while (!begun_) std::this_thread::yield();
  }

 private:
  std::atomic<bool> begun_ = false;
  std::vector<std::jthread> threads_;
};

/// Whether a loop has the help of another thread: each of its two pieces waits for the other.
bool has_helpers() {
  const test::ThreadsScope scope(2);
  std::atomic<int> arrived = 0;
  parallel_for(2, 1, [&](int64_t, int64_t) {
    ++arrived;
    while (arrived < 2) std::this_thread::yield();
  });
  return arrived == 2;
}

int64_t sum_of_pieces() {
  std::atomic<int64_t> sum = 0;
  parallel_for(100, 1, [&](int64_t begin, int64_t) { sum += begin; });
  return sum;
}

void train_a_step() {
  nn::Sequential net(nn::Conv2d({.in_channels = 1, .out_channels = 4, .kernel_size = 3}),
                     nn::Flatten(), nn::Linear(4 * 6 * 6, 10));
  optim::SGD sgd(net.named_parameters(), {.lr = 0.1});
  Tape tape;
  tape.backward(cross_entropy(net(ones({32, 1, 8, 8})), zeros({32}, int64)));
  sgd.step();
}

}  // namespace

TEST_CASE("children forked while threads allocate can allocate") {
  const Busy busy([](size_t round) {
    const size_t bytes = size_t{64} << round % 12;
    deallocate(allocate(bytes), bytes);
    if (round % 16 == 0) release_cached_memory();
  });
  for (int i = 0; i < 200; ++i) {
    REQUIRE(status_of_child([] {
              const Tensor x = ones({100});
              deallocate(allocate(1000), 1000);
              return x.numel() == 100 ? 0 : 1;
            }) == 0);
  }
}

TEST_CASE("children forked while loops run have helpers of their own") {
  const test::ThreadsScope scope(3);
  const Busy busy([](size_t) { sum_of_pieces(); });
  for (int i = 0; i < 50; ++i) {
    REQUIRE(status_of_child([] { return sum_of_pieces() == 4950 && has_helpers() ? 0 : 1; }) == 0);
  }
}

TEST_CASE("children forked while threads train can train, and exit") {
  const test::ThreadsScope scope(2);
  const Busy busy([](size_t) { train_a_step(); });
  for (int i = 0; i < 50; ++i) {
    REQUIRE(status_of_child([] {
              train_a_step();
              std::exit(3);  // goes through the destructors of static objects
              return 0;
            }) == 3);
  }
}

TEST_CASE("a child forked within an epoch with workers ends that epoch, and begins others") {
  const data::Batch digits = data::synthetic_digits(64);
  data::DataLoader loader(data::TensorDataset(digits.x, digits.y),
                          {.batch_size = 4, .num_workers = 2});
  for (int i = 0; i < 20; ++i) {
    auto batch = loader.begin();
    REQUIRE(status_of_child([&] {
              const std::string message = test::message_of([&] {
                for (; batch != loader.end(); ++batch) {
                }
              });
              if (message.find("forked") == std::string::npos) return 1;
              { const auto gone = std::move(batch); }
              int batches = 0;
              for (const data::Batch& own : loader) batches += own.y.numel() == 4;
              return batches == 16 ? 0 : 2;
            }) == 0);
  }
}

TEST_CASE("a loop's body may exit, in the thread that calls and in a helper") {
  const test::ThreadsScope scope(2);
  for (const bool in_caller : {true, false}) {
    CAPTURE(in_caller);
    for (int i = 0; i < 10; ++i) {
      REQUIRE(status_of_child([&] {
                const std::thread::id caller = std::this_thread::get_id();
                std::atomic<int> arrived = 0;
                parallel_for(2, 1, [&](int64_t, int64_t) {
                  ++arrived;
                  while (arrived < 2) std::this_thread::yield();
                  if ((std::this_thread::get_id() == caller) == in_caller) std::exit(3);
                });
                return 0;
              }) == 3);
    }
  }
}

TEST_CASE("a process may exit while other threads train") {
  for (int i = 0; i < 20; ++i) {
    REQUIRE(status_of_child([] {
              std::atomic<int> steps = 0;
              for (int thread = 0; thread < 3; ++thread) {
                std::thread([&] {
                  for (;; ++steps) train_a_step();
                }).detach();
              }
              while (steps < 3) std::this_thread::yield();
              std::exit(3);
              return 0;
            }) == 3);
  }
}

#endif
