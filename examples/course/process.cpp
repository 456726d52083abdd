#include "process.h"

#include <fcntl.h>

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <memory>
#include <thread>

#include <gradus/core/base/error.h>

namespace course {

namespace {

constexpr size_t most_output = size_t{64} << 10;

/// What was written to a file without a name.
std::string text_of(std::FILE* file) {
  std::string text(most_output, '\0');
  std::rewind(file);
  text.resize(std::fread(text.data(), 1, text.size(), file));
  return text;
}

}  // namespace

Ended run_with_limit(const std::vector<std::string>& arguments, double seconds) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> output(std::tmpfile(), std::fclose);
  gradus::require<gradus::IoError>(output != nullptr, "course", "check that /tmp has space",
                                   "cannot make a temporary file");
  std::vector<char*> words;
  words.reserve(arguments.size() + 1);
  for (const std::string& argument : arguments)
    words.push_back(const_cast<char*>(argument.c_str()));
  words.push_back(nullptr);
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&files, ::fileno(output.get()), STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&files, ::fileno(output.get()), STDERR_FILENO);
  posix_spawnattr_t how;
  posix_spawnattr_init(&how);
  posix_spawnattr_setflags(&how, POSIX_SPAWN_SETPGROUP);  // so that all of it can be killed
  posix_spawnattr_setpgroup(&how, 0);
  pid_t child = 0;
  const int failure = ::posix_spawnp(&child, words[0], &files, &how, words.data(), environ);
  posix_spawn_file_actions_destroy(&files);
  posix_spawnattr_destroy(&how);
  gradus::require<gradus::IoError>(failure == 0, "course", "install it, or build the course again",
                                   "cannot start ", arguments[0], ": ", std::strerror(failure));

  Ended ended;
  const auto start = std::chrono::steady_clock::now();
  int status = 0;
  while (::waitpid(child, &status, WNOHANG) == 0) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    ended.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    if (ended.seconds < seconds) continue;
    ended.is_too_slow = true;
    ::kill(-child, SIGKILL);
    ::waitpid(child, &status, 0);
    break;
  }
  ::kill(-child, SIGKILL);  // what it left behind
  ended.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  ended.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  ended.output = text_of(output.get());
  return ended;
}

}  // namespace course
