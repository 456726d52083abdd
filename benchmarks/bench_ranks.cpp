// What processes that train together spend on exchanging gradients:
//
//     mpirun -n 2 bin/bench_ranks [parameters] [shards]
//
// prints the microseconds of an exchange without content, and of the gradients of one step.
#include <gradus/core/distributed/run_ranks.h>

#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <vector>

namespace {

using gradus::distributed::Communicator;

/// Of one call, in microseconds: the mean over a second's worth.
double microseconds(Communicator& ranks, const std::function<void()>& call) {
  using Clock = std::chrono::steady_clock;
  const auto seconds = [](Clock::duration d) { return std::chrono::duration<double>(d).count(); };
  int64_t times = 1;
  while (true) {
    ranks.barrier();
    const auto begin = Clock::now();
    for (int64_t i = 0; i < times; ++i) call();
    const double taken = seconds(Clock::now() - begin);
    // All have to agree on going on.
    if (ranks.max(taken < 0.5 ? 1 : 0) == 0) return 1e6 * taken / static_cast<double>(times);
    times *= 2;
  }
}

int measure(Communicator& ranks, int64_t parameters, int64_t shards) {
  const int64_t n = ranks.size(), me = ranks.rank(), width = sizeof(float);
  const auto slice = [&](int64_t r) { return parameters * (r + 1) / n - parameters * r / n; };
  const auto own = [&](int64_t r) { return shards * (r + 1) / n - shards * r / n; };
  std::vector<int64_t> to, from, slices;
  for (int64_t r = 0; r < n; ++r) {
    to.push_back(own(me) * slice(r) * width);
    from.push_back(own(r) * slice(me) * width);
    slices.push_back(slice(r) * width);
  }
  const auto bytes = [&](int64_t elements) {
    return std::vector<std::byte>(static_cast<size_t>(elements * width));
  };
  const auto send = bytes(own(me) * parameters), mine = bytes(slice(me));
  auto received = bytes(shards * slice(me)), all = bytes(parameters);
  const double nothing = microseconds(ranks, [&] { ranks.barrier(); });
  const double gradients = microseconds(ranks, [&] {
    ranks.alltoall(send, to, from, received);
    ranks.allgather(mine, slices, all);
  });
  std::cout << n << " processes, " << parameters << " parameters, " << shards << " shards: nothing "
            << nothing << " us, gradients " << gradients << " us\n";
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const auto argument = [&](int i, int64_t usual) {
    return argc > i ? std::strtoll(argv[i], nullptr, 10) : usual;
  };
  return gradus::distributed::run_ranks(
      argc, argv,
      [&](Communicator& ranks) { return measure(ranks, argument(1, 470'000), argument(2, 8)); },
      [](const std::exception& error) {
        std::cerr << error.what() << '\n';
        return 1;
      });
}
