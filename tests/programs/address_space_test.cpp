// bin/mnist where there is little address space. Sanitizers need terabytes of it.
#include <doctest/doctest.h>

#if !defined(GRADUS_SANITIZE_ADDRESS) && !defined(GRADUS_SANITIZE_THREAD)

#include "../support/paths.h"
#include "../support/program.h"

using namespace gradus;
using test::Outcome;

namespace {

/// Runs mnist with so many MiB of address space; status 124 where it hangs.
Outcome run_within(int mebibytes, const std::string& arguments) {
  return test::run("ulimit -v " + std::to_string(mebibytes * 1024) +
                   "; GRADUS_ISA=baseline timeout 20 '" + test::build_folder() + "/bin/mnist' " +
                   arguments);
}

}  // namespace

TEST_CASE("a program starts and ends where address space is short") {
  for (const int mebibytes : {120, 150, 180, 200}) {
    CAPTURE(mebibytes);
    CHECK(run_within(mebibytes, "--help").status == 0);
  }
}

TEST_CASE("a training needs no room for the buffers of OpenBLAS") {
  const Outcome outcome = run_within(
      180,
      "train --dataset synthetic --samples 128 --model small --workers 0 --epochs 1 --threads 1");
  CAPTURE(outcome.err);
  CHECK(outcome.status == 0);
}

#endif
