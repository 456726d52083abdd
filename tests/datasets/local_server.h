// A real HTTP server on this machine, for tests of downloads.
#pragma once

#include <doctest/doctest.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <string>

#include "../../datasets/fetch.h"
#include "support.h"

namespace gradus::data {

/// False, with a message, where this build has no downloads to be tested.
inline bool can_test_downloads() {
  if (!can_download()) MESSAGE("skipped: needs a build with libcurl");
  return can_download();
}

/// Serves the files of a folder with `python3 -m http.server` while it lives.
class LocalServer {
 public:
  explicit LocalServer(const std::filesystem::path& folder) {
    std::array<int, 2> ends;
    REQUIRE(pipe(ends.data()) == 0);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
    posix_spawn_file_actions_addclose(&actions, ends[0]);
    posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
    const std::string directory = folder.string();
    const std::array<const char*, 10> arguments = {
        "python3", "-u",        "-m",          "http.server",     "0",
        "--bind",  "127.0.0.1", "--directory", directory.c_str(), nullptr};
    const int failed = posix_spawnp(&process_, "python3", &actions, nullptr,
                                    const_cast<char* const*>(arguments.data()), environ);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    FILE* const output = fdopen(ends[0], "r");
    std::array<char, 200> line{};
    // "Serving HTTP on 127.0.0.1 port 40123 (http://127.0.0.1:40123/) ..."
    if (failed == 0 && fgets(line.data(), line.size(), output) != nullptr) {
      const std::string text = line.data();
      const size_t begin = text.find("http://"), end = text.find(')');
      if (begin != std::string::npos && end != std::string::npos) {
        address_ = text.substr(begin, end - begin);
      }
    }
    fclose(output);
    if (failed != 0) process_ = -1;
  }
  ~LocalServer() {
    if (process_ < 0) return;
    kill(process_, SIGKILL);
    waitpid(process_, nullptr, 0);
  }
  LocalServer(const LocalServer&) = delete;
  LocalServer& operator=(const LocalServer&) = delete;

  /// False, with a message, where there is no Python to run it.
  bool runs() const {
    if (address_.empty()) MESSAGE("skipped: needs python3 for a local HTTP server");
    return !address_.empty();
  }
  /// Ends in "/".
  const std::string& address() const { return address_; }

 private:
  pid_t process_ = -1;
  std::string address_;
};

/// Servers of this machine are not asked for through a proxy.
inline const ScopedEnvironment no_proxy("no_proxy", "127.0.0.1");

/// Where nobody listens.
inline const std::string dead_mirror = "http://127.0.0.1:1/";

}  // namespace gradus::data
