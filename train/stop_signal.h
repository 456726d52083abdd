// Stopping a program in good order.
#pragma once

#include <csignal>
#include <utility>
#include <vector>

namespace gradus::training {

/// While it lives, the first SIGINT, SIGTERM or SIGHUP is noted, for the program to come to an end
/// by itself; the next one ends it at once. Signals that the process was started to ignore (nohup)
/// stay ignored. One object at a time.
class StopSignal {
 public:
  StopSignal();
  ~StopSignal();
  StopSignal(const StopSignal&) = delete;
  StopSignal& operator=(const StopSignal&) = delete;

  /// The number of the signal that came; 0 if none did.
  int received() const;

 private:
  std::vector<std::pair<int, struct sigaction>> previous_;
};

/// "SIGINT"
const char* signal_name(int signal);

}  // namespace gradus::training
