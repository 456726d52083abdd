// Stopping a program in good order.
#pragma once

#include <csignal>
#include <vector>

namespace gradus::examples {

/// While it lives, the first SIGINT, SIGTERM or SIGHUP is noted, for the program to come to an end
/// by itself; the next one ends it at once. Signals that the process was started to ignore (nohup)
/// stay ignored. One object at a time.
class StopSignal {
 public:
  StopSignal();
  ~StopSignal();
  StopSignal(const StopSignal&) = delete;
  StopSignal& operator=(const StopSignal&) = delete;

  /// The number of the signal that came; 0 where none did.
  int received() const;

 private:
  struct Previous {
    int signal;
    struct sigaction action;
  };
  std::vector<Previous> previous_;
};

/// Lets a write beyond the limit on the size of files (ulimit -f) or to a pipe that nobody reads
/// any more fail, as one on a full disk does, rather than end the process without a word.
void report_write_errors();

/// "SIGINT"
const char* signal_name(int signal);

}  // namespace gradus::examples
