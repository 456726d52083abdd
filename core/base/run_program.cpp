#include "run_program.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <memory>
#include <system_error>
#include <thread>

#include "error.h"

extern char** environ;  // NOLINT(readability-redundant-declaration): not every system declares it

namespace gradus {

namespace {

/// A file without a name, which ends with the object. Files rather than pipes: neither side ever
/// waits for the other, and a program that does not read its input is no signal to this one.
class NamelessFile {
 public:
  NamelessFile() {
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::tmpfile(), &std::fclose);
    // Beyond 0, 1 and 2, which the program gets; and no other program that is started meanwhile
    // should hold it.
    constexpr int first_free = 3;
    if (file != nullptr) descriptor_ = fcntl(fileno(file.get()), F_DUPFD_CLOEXEC, first_free);
  }
  ~NamelessFile() {
    if (descriptor_ >= 0) close(descriptor_);
  }
  NamelessFile(const NamelessFile&) = delete;
  NamelessFile& operator=(const NamelessFile&) = delete;

  int descriptor() const { return descriptor_; }

  /// Both: false, and errno, if it failed.
  bool write(std::string_view text) const {
    while (!text.empty()) {
      const ssize_t count = ::write(descriptor_, text.data(), text.size());
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return false;
      text.remove_prefix(static_cast<size_t>(count));
    }
    return lseek(descriptor_, 0, SEEK_SET) == 0;
  }
  bool read(std::string& text) const {
    if (lseek(descriptor_, 0, SEEK_SET) != 0) return false;
    std::array<char, 65536> block;
    ssize_t count = 0;
    while ((count = ::read(descriptor_, block.data(), block.size())) != 0) {
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return false;
      text.append(block.data(), static_cast<size_t>(count));
    }
    return true;
  }

 private:
  int descriptor_ = -1;
};

int status_of(int status) {
  constexpr int by_signal = 128;
  return WIFEXITED(status) ? WEXITSTATUS(status) : by_signal + WTERMSIG(status);
}

int wait_for(pid_t id) {
  int status = 0;
  pid_t ended = 0;
  do {
    ended = waitpid(id, &status, 0);
  } while (ended < 0 && errno == EINTR);
  return ended < 0 ? 0 : status_of(status);  // a process that ignores SIGCHLD does not learn it
}

/// The same of a program with a process group of its own, for so many seconds. POSIX cannot wait
/// for a process with a time limit, so this looks again and again.
int wait_for(pid_t id, double seconds, bool& is_too_slow) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
  int status = 0;
  pid_t ended = 0;
  while ((ended = waitpid(id, &status, WNOHANG)) == 0 && !is_too_slow) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    is_too_slow = std::chrono::steady_clock::now() >= end;
  }
  ::kill(-id, SIGKILL);  // all of it, and what it left behind
  return ended == 0 ? wait_for(id) : ended < 0 ? 0 : status_of(status);
}

}  // namespace

FinishedProgram run_program(std::string_view op, std::string_view hint,
                            std::vector<std::string> arguments, std::string_view input,
                            std::optional<double> seconds) {
  const auto check = [&](int error) {
    require<IoError>(error == 0, op, hint, "cannot run the program ", arguments.at(0), ": ",
                     std::generic_category().message(error));
  };
  const NamelessFile in, out, errors;
  for (const NamelessFile* file : {&in, &out, &errors}) check(file->descriptor() < 0 ? errno : 0);
  check(in.write(input) ? 0 : errno);

  std::vector<char*> argv;
  argv.reserve(arguments.size() + 1);
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  check(posix_spawn_file_actions_init(&actions));
  pid_t id = 0;
  int error = posix_spawn_file_actions_adddup2(&actions, in.descriptor(), STDIN_FILENO);
  if (error == 0) error = posix_spawn_file_actions_adddup2(&actions, out.descriptor(), 1);
  if (error == 0) error = posix_spawn_file_actions_adddup2(&actions, errors.descriptor(), 2);
  posix_spawnattr_t attributes;
  if (error == 0) error = posix_spawnattr_init(&attributes);
  if (error == 0) {
    // A group of its own, so that all of it can be killed.
    if (seconds) error = posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
    if (error == 0) error = posix_spawnp(&id, argv[0], &actions, &attributes, argv.data(), environ);
    posix_spawnattr_destroy(&attributes);
  }
  posix_spawn_file_actions_destroy(&actions);
  check(error);

  FinishedProgram finished;
  finished.status = seconds ? wait_for(id, *seconds, finished.is_too_slow) : wait_for(id);
  check(out.read(finished.output) && errors.read(finished.errors) ? 0 : errno);
  return finished;
}

}  // namespace gradus
