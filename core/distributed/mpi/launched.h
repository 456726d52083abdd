// What says that a launcher started this process as one of several.
#pragma once

#include <cstdlib>

namespace gradus::distributed {

/// Whether mpirun of OpenMPI or MPICH, or srun with their plugins, started this process.
inline bool was_launched() {
  for (const char* name : {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "PMIX_RANK", "MPI_LOCALNRANKS"}) {
    if (std::getenv(name) != nullptr) return true;
  }
  return false;
}

}  // namespace gradus::distributed
