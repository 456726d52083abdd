// Signals that ask a training to stop.
#include "../../train/stop_signal.h"

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

using gradus::training::StopSignal;

TEST_CASE("the first signal is noted, the second ends the process") {
  const pid_t child = fork();
  if (child == 0) {
    const StopSignal stop;
    if (stop.received() != 0) _exit(1);
    std::raise(SIGTERM);
    if (stop.received() != SIGTERM) _exit(2);
    std::raise(SIGINT);
    _exit(3);  // not reached
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  REQUIRE(WIFSIGNALED(status));
  CHECK(WTERMSIG(status) == SIGINT);
}

TEST_CASE("signals that the process was started to ignore stay ignored") {
  const auto before = std::signal(SIGHUP, SIG_IGN);
  {
    const StopSignal stop;
    std::raise(SIGHUP);
    CHECK(stop.received() == 0);
    std::raise(SIGINT);
    CHECK(stop.received() == SIGINT);
    std::raise(SIGHUP);
  }
  std::signal(SIGHUP, before);
}
