// A program that runs alongside the test.
#pragma once

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace gradus::test {

/// Started with its output going to a file; killed and waited for at the end of the scope.
class Process {
 public:
  Process(std::vector<std::string> arguments, const std::string& output) {
    std::vector<char*> argv;
    for (std::string& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    id_ = fork();
    if (id_ < 0) throw std::runtime_error("fork failed");
    if (id_ == 0) {
      const int file = open(output.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0666);
      dup2(file, STDOUT_FILENO);
      dup2(file, STDERR_FILENO);
      execv(argv[0], argv.data());
      _exit(127);
    }
  }
  ~Process() {
    if (!ended_) send(SIGKILL);
    wait();
  }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  void send(int signal) const { kill(id_, signal); }
  bool has_ended() {
    if (!ended_ && waitpid(id_, &status_, WNOHANG) == id_) ended_ = true;
    return ended_;
  }
  /// The exit status once it has ended; minus the signal's number if a signal ended it.
  int wait() {
    if (!ended_) waitpid(id_, &status_, 0);
    ended_ = true;
    return WIFEXITED(status_) ? WEXITSTATUS(status_) : -WTERMSIG(status_);
  }
  /// Waits until `condition` holds or the program has ended, for a minute at most; true if it
  /// holds.
  template <class Condition>
  bool wait_until(const Condition& condition) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(1);
    while (!condition()) {
      if (has_ended() || std::chrono::steady_clock::now() > deadline) return condition();
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return true;
  }

 private:
  pid_t id_ = -1;
  int status_ = 0;
  bool ended_ = false;
};

/// The number of a process that ran and has ended.
inline pid_t ended_process() {
  const pid_t id = fork();
  if (id == 0) _exit(0);
  waitpid(id, nullptr, 0);
  return id;
}

}  // namespace gradus::test
