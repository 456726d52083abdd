// run_ranks() of a build without MPI.
#include "../../base/error.h"
#include "../run_ranks.h"

namespace gradus::distributed {

int run_ranks(int, char**, const std::function<int(Communicator& ranks)>& program,
              const std::function<int(const std::exception& error)>& explain) {
  try {
    require<Error>(launched_processes() <= 1, "run_ranks",
                   "install libopenmpi-dev, configure and build again; or start it without mpirun",
                   "this program was built without MPI and cannot be one of several processes");
    return program(one_process());
  } catch (const std::exception& error) {
    return explain(error);
  }
}

}  // namespace gradus::distributed
