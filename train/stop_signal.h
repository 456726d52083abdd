// Stopping a program cleanly.
#pragma once

#include <csignal>
#include <utility>
#include <vector>

namespace gradus::training {

/// During its lifetime, the first SIGINT, SIGTERM or SIGHUP is recorded, so that the program can
/// end cleanly; the next one ends it at once. Signals that the process was started to ignore
/// (nohup) stay ignored. One object at a time.
class StopSignal {
 public:
  StopSignal();
  ~StopSignal();
  StopSignal(const StopSignal&) = delete;
  StopSignal& operator=(const StopSignal&) = delete;

  /// The number of the received signal; 0 if there was none.
  int received() const;

 private:
  std::vector<std::pair<int, struct sigaction>> previous_;
};

/// "SIGINT"
const char* signal_name(int signal);

}  // namespace gradus::training
