// How the processes of one program exchange bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>

namespace gradus::distributed {

/// Another process of the program has ended, or failed, and its message; `status` is the exit
/// status with which all are to end.
class RankFailed : public std::runtime_error {
 public:
  RankFailed(const std::string& message, int status)
      : std::runtime_error(message), status_(status) {}
  int status() const { return status_; }

 private:
  int status_;
};

/// A group of processes, numbered by rank from 0, that run the same program. Calls are collective:
/// each has to be made by all ranks in the same order, by one thread at a time. Sizes are in bytes.
///
/// If a rank makes another call, or one with other sizes, all throw Error; if one has failed, the
/// others throw RankFailed. This class is a program that runs on its own, and run_ranks() has the
/// one over MPI.
class Communicator {
 public:
  virtual ~Communicator() = default;
  virtual int rank() const { return 0; }
  virtual int size() const { return 1; }
  /// `data` of rank 0 to all.
  virtual void broadcast(std::span<std::byte> data);
  /// `mine` of every rank, one after the other, to all: sizes[r] bytes of rank r.
  virtual void allgather(std::span<const std::byte> mine, std::span<const int64_t> sizes,
                         std::span<std::byte> all);
  /// The first to[0] bytes of `send` to rank 0, the next to[1] to rank 1 ...; from[r] bytes arrive
  /// from rank r, one after the other.
  virtual void alltoall(std::span<const std::byte> send, std::span<const int64_t> to,
                        std::span<const int64_t> from, std::span<std::byte> received);
  /// Returns when all ranks have called it.
  virtual void barrier();

  // --- Made of these ---

  /// A text of rank 0, of any length, to all.
  std::string broadcast_text(const std::string& text);
  /// The largest of the numbers that the ranks give.
  int64_t max(int64_t mine);
};

/// The communicator of a program that runs as one process.
Communicator& one_process();

/// As how many processes a launcher (mpirun, srun) started the program, by the environment; 0 if
/// none did.
int launched_processes();

}  // namespace gradus::distributed
