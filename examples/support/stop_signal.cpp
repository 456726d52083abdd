#include "stop_signal.h"

#include <array>

namespace gradus::examples {

namespace {

constexpr std::array<int, 3> stop_signals = {SIGINT, SIGTERM, SIGHUP};

volatile std::sig_atomic_t noted = 0;  // a handler can reach nothing else

void note(int signal) {
  noted = signal;
  for (const int other : stop_signals) {
    struct sigaction action {};
    sigaction(other, nullptr, &action);
    if (action.sa_handler == note) std::signal(other, SIG_DFL);
  }
}

}  // namespace

StopSignal::StopSignal() {
  noted = 0;
  for (const int signal : stop_signals) {
    struct sigaction action {};
    sigaction(signal, nullptr, &action);
    if (action.sa_handler == SIG_IGN) continue;
    previous_.push_back({signal, action});
    action = {};
    action.sa_handler = note;
    action.sa_flags = SA_RESTART;
    sigaction(signal, &action, nullptr);
  }
}

StopSignal::~StopSignal() {
  for (const Previous& previous : previous_) sigaction(previous.signal, &previous.action, nullptr);
}

int StopSignal::received() const {
  return noted;
}

void report_write_errors() {
  for (const int signal : {SIGXFSZ, SIGPIPE}) std::signal(signal, SIG_IGN);
}

const char* signal_name(int signal) {
  if (signal == SIGINT) return "SIGINT";
  if (signal == SIGTERM) return "SIGTERM";
  return "SIGHUP";
}

}  // namespace gradus::examples
