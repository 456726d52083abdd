// run_ranks() over MPI, and the only file that knows of it.
#include <mpi.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <iostream>
#include <limits>
#include <optional>
#include <streambuf>
#include <vector>

#include "../../base/error.h"
#include "../run_ranks.h"

namespace gradus::distributed {

namespace {

constexpr const char* op = "distributed";

void check(int code) {
  if (code == MPI_SUCCESS) return;
  std::array<char, MPI_MAX_ERROR_STRING> text{};
  int length = 0;
  MPI_Error_string(code, text.data(), &length);
  throw Error(op, "MPI: " + std::string(text.data(), static_cast<size_t>(length)),
              "see that all processes run, and that the network between them works");
}

int to_int(int64_t bytes) {
  require(bytes <= std::numeric_limits<int>::max(), op, "it takes messages of up to 2 GiB",
          "a message of ", bytes, " bytes is too long for MPI");
  return static_cast<int>(bytes);
}

/// Sizes and where each part begins, as MPI wants them.
struct Parts {
  std::vector<int> sizes, begins;
  explicit Parts(std::span<const int64_t> parts) {
    int64_t begin = 0;
    for (const int64_t size : parts) {
      sizes.push_back(to_int(size));
      begins.push_back(to_int(begin));
      begin += size;
    }
  }
};

enum class Call : int64_t { broadcast, allgather, alltoall, barrier, end };

class MpiCommunicator : public Communicator {
 public:
  MpiCommunicator() {
    check(MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN));
    check(MPI_Comm_rank(MPI_COMM_WORLD, &rank_));
    check(MPI_Comm_size(MPI_COMM_WORLD, &size_));
  }
  int rank() const override { return rank_; }
  int size() const override { return size_; }

  void broadcast(std::span<std::byte> data) override {
    meet(Call::broadcast, static_cast<int64_t>(data.size()));
    constexpr size_t most = size_t{1} << 30;  // of one message, whose length MPI takes as an int
    for (size_t at = 0; at < data.size(); at += most) {
      const size_t length = std::min(most, data.size() - at);
      check(MPI_Bcast(data.data() + at, static_cast<int>(length), MPI_BYTE, 0, MPI_COMM_WORLD));
    }
  }

  void allgather(std::span<const std::byte> mine, std::span<const int64_t> sizes,
                 std::span<std::byte> all) override {
    meet(Call::allgather, static_cast<int64_t>(all.size()));
    const Parts parts(sizes);
    check(MPI_Allgatherv(mine.data(), to_int(static_cast<int64_t>(mine.size())), MPI_BYTE,
                         all.data(), parts.sizes.data(), parts.begins.data(), MPI_BYTE,
                         MPI_COMM_WORLD));
  }

  void alltoall(std::span<const std::byte> send, std::span<const int64_t> to,
                std::span<const int64_t> from, std::span<std::byte> received) override {
    meet(Call::alltoall, 0);
    const Parts out(to), in(from);
    check(MPI_Alltoallv(send.data(), out.sizes.data(), out.begins.data(), MPI_BYTE, received.data(),
                        in.sizes.data(), in.begins.data(), MPI_BYTE, MPI_COMM_WORLD));
  }

  void barrier() override { meet(Call::barrier, 0); }

  /// The last call of each rank; the others hear of a failure from whatever they call. Returns the
  /// status of all.
  int end(int status, const std::string& message) {
    if (failed_) return status;
    try {
      status_ = status;
      message_ = message;
      meet(Call::end, 0);
    } catch (const RankFailed& failure) {
      return failure.status();
    } catch (const Error&) {  // the connection is gone: there is nobody to tell
    }
    return status;
  }

 private:
  struct Header {
    int64_t call, bytes, status;
  };

  /// Before each call: what the others are about to do. Nobody is left waiting for a rank that has
  /// failed, or that does something else.
  void meet(Call call, int64_t bytes) {
    const Header mine = {static_cast<int64_t>(call), bytes, status_};
    std::vector<Header> all(static_cast<size_t>(size_));
    check(MPI_Allgather(&mine, sizeof mine, MPI_BYTE, all.data(), sizeof mine, MPI_BYTE,
                        MPI_COMM_WORLD));
    const auto ends = [](const Header& h) { return h.call == static_cast<int64_t>(Call::end); };
    const auto fails = [&](const Header& h) { return ends(h) && h.status != 0; };
    if (const auto first = std::ranges::find_if(all, fails); first != all.end()) {
      failed_ = true;
      const int root = static_cast<int>(first - all.begin());
      throw RankFailed(failure_of(root), static_cast<int>(first->status));
    }
    const bool agree = std::ranges::all_of(
        all, [&](const Header& h) { return h.call == mine.call && h.bytes == mine.bytes; });
    if (agree) return;
    failed_ = true;
    throw Error(op, "the ranks did different things at the same time",
                "each has to run the same steps of the same net, whatever its data");
  }

  /// The message with which rank `root` failed.
  std::string failure_of(int root) const {
    std::array<char, 4096> text{};
    if (rank_ == root) message_.copy(text.data(), text.size() - 1);
    check(MPI_Bcast(text.data(), static_cast<int>(text.size()), MPI_BYTE, root, MPI_COMM_WORLD));
    return text.data();
  }

  int rank_ = 0, size_ = 1;
  int64_t status_ = 0;
  std::string message_;
  bool failed_ = false;
};

/// While it lives, std::cout and std::cerr print nothing.
class Silence {
 public:
  Silence() : out_(std::cout.rdbuf(&nowhere_)), error_(std::cerr.rdbuf(&nowhere_)) {}
  ~Silence() {
    std::cout.rdbuf(out_);
    std::cerr.rdbuf(error_);
  }
  Silence(const Silence&) = delete;
  Silence& operator=(const Silence&) = delete;

 private:
  struct Nowhere : std::streambuf {
    int overflow(int c) override { return c == EOF ? 0 : c; }
  } nowhere_;
  std::streambuf *out_, *error_;
};

int run_one_of(MpiCommunicator& ranks, const std::function<int(Communicator&)>& program,
               const std::function<int(const std::exception&)>& explain) {
  std::optional<Silence> silence;
  if (ranks.rank() != 0) silence.emplace();
  try {
    return ranks.end(program(ranks), "");
  } catch (const RankFailed& failure) {
    explain(failure);
    return failure.status();
  } catch (const std::exception& error) {
    return ranks.end(explain(error), error.what());
  }
}

}  // namespace

int run_ranks(int argc, char** argv, const std::function<int(Communicator& ranks)>& program,
              const std::function<int(const std::exception& error)>& explain) {
  if (launched_processes() == 0) {
    try {
      return program(one_process());
    } catch (const std::exception& error) {
      return explain(error);
    }
  }
  int provided = 0;
  check(MPI_Init_thread(&argc, &argv, MPI_THREAD_SERIALIZED, &provided));
  int status = 0;
  {
    MpiCommunicator ranks;
    const auto checked = [&](Communicator& all) {
      require<Error>(all.size() == launched_processes(), op,
                     "start it with the launcher of that MPI, or srun with --mpi=pmix or pmi2",
                     launched_processes(), " processes were started, and MPI sees ", all.size());
      return program(all);
    };
    status = run_one_of(ranks, checked, explain);
  }
  MPI_Finalize();
  return status;
}

}  // namespace gradus::distributed
