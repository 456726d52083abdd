// Starting a program on several processes. In the target gradus::ranks, apart from the library, so
// that only programs that ask for it are linked with MPI.
#pragma once

#include <exception>
#include <functional>

#include "communicator.h"

namespace gradus::distributed {

/// Runs `program` with the communicator of all processes that mpirun, or srun, has started, and
/// returns the exit status, the same on all of them: the highest that any returned. A program that
/// was started on its own gets one_process(), and MPI is not even initialized.
///
///     int main(int argc, char** argv) {
///       return gradus::distributed::run_ranks(
///           argc, argv, [&](gradus::distributed::Communicator& ranks) { return run(ranks); },
///           [](const std::exception& error) { std::cerr << error.what() << '\n'; return 1; });
///     }
///
/// What ranks other than 0 print to std::cout and std::cerr is dropped. An exception that leaves
/// `program` on one rank ends all: the others get RankFailed with its text from what they call
/// next, so that rank 0 says it. `explain` prints it and returns the exit status (that of a
/// RankFailed is its own). In a build without MPI, more than one process is an error that says so.
int run_ranks(int argc, char** argv, const std::function<int(Communicator& ranks)>& program,
              const std::function<int(const std::exception& error)>& explain);

}  // namespace gradus::distributed
