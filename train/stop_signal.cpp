#include "stop_signal.h"

#include <array>

namespace gradus::training {

namespace {

constexpr std::array<int, 3> stop_signals = {SIGINT, SIGTERM, SIGHUP};

volatile std::sig_atomic_t noted = 0;  // a handler can reach nothing else

void note(int signal) {
  if (noted != 0) {  // delivered when this returns
    std::signal(signal, SIG_DFL);
    std::raise(signal);
  }
  noted = signal;
}

}  // namespace

StopSignal::StopSignal() {
  noted = 0;
  for (const int signal : stop_signals) {
    struct sigaction action {};
    sigaction(signal, nullptr, &action);
    if (action.sa_handler == SIG_IGN) continue;
    previous_.emplace_back(signal, action);
    action = {};
    action.sa_handler = note;
    action.sa_flags = SA_RESTART;
    sigaction(signal, &action, nullptr);
  }
}

StopSignal::~StopSignal() {
  for (const auto& [signal, action] : previous_) sigaction(signal, &action, nullptr);
}

int StopSignal::received() const {
  return noted;
}

const char* signal_name(int signal) {
  return signal == SIGINT ? "SIGINT" : signal == SIGTERM ? "SIGTERM" : "SIGHUP";
}

}  // namespace gradus::training
