// A program that was built without MPI.
#include <iostream>

#include "../../core/distributed/run_ranks.h"

int main(int argc, char** argv) {
  using gradus::distributed::Communicator;
  return gradus::distributed::run_ranks(
      argc, argv,
      [](Communicator& ranks) {
        std::cout << ranks.size() << " process\n";
        return 0;
      },
      [](const std::exception& error) {
        std::cerr << error.what() << '\n';
        return 1;
      });
}
