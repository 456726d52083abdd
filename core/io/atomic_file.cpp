#include "atomic_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <optional>
#include <string_view>
#include <system_error>

#include "../base/error.h"

namespace gradus {
namespace {

// A temporary file is named ".gradus-<process>-<number>-<name of the file it becomes>.tmp".
constexpr std::string_view temporary_prefix = ".gradus-";
constexpr std::string_view temporary_suffix = ".tmp";
constexpr size_t longest_name = 200;  // of a file, so that the temporary name is not too long

struct Temporary {
  pid_t process;
  std::string target;
};

/// What the name of a temporary file says; nothing where it is no such name.
std::optional<Temporary> parse_temporary(std::string_view name) {
  if (!name.starts_with(temporary_prefix) || !name.ends_with(temporary_suffix)) return {};
  name.remove_prefix(temporary_prefix.size());
  name.remove_suffix(std::min(name.size(), temporary_suffix.size()));
  const auto take_number = [&name]() -> std::optional<int> {
    int number = 0;
    const auto [rest, error] = std::from_chars(name.data(), name.data() + name.size(), number);
    if (error != std::errc() || rest == name.data() + name.size() || *rest != '-') return {};
    name.remove_prefix(static_cast<size_t>(rest - name.data()) + 1);
    return number;
  };
  const auto process = take_number();
  if (!process || *process <= 0 || !take_number() || name.empty()) return {};
  return Temporary{*process, std::string(name)};
}

/// Whether another process of this machine may still be writing a file of its own.
bool is_running(pid_t process) {
  return process != ::getpid() && (::kill(process, 0) == 0 || errno == EPERM);
}

std::string folder_of(const std::filesystem::path& path) {
  const std::string folder = path.parent_path().string();
  return folder.empty() ? "." : folder;
}

}  // namespace

AtomicFile::AtomicFile(const char* op, std::filesystem::path path)
    : op_(op), path_(std::move(path)) {
  if (path_.filename().empty()) {
    throw IoError(op_, str("'", path_.string(), "' names a folder, not a file"),
                  "give the name of a file in it");
  }
  std::error_code ignored;
  if (std::filesystem::is_symlink(path_, ignored)) {  // replace the file, not the link
    const auto target = std::filesystem::weakly_canonical(path_, ignored);
    if (!ignored) path_ = target;
  }
  struct stat status {};
  const bool exists = ::stat(path_.c_str(), &status) == 0;
  if (exists && !S_ISREG(status.st_mode)) {
    throw IoError(op_, str("'", path_.string(), "' exists and is not a regular file"),
                  "choose another name; only regular files are replaced");
  }
  if (exists && ::access(path_.c_str(), W_OK) != 0) fail("write");
  open_temporary();
  if (exists) ::fchmod(file_, status.st_mode & 07777);  // at worst the mode is that of a new file
}

AtomicFile::~AtomicFile() {
  close_file();
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

void AtomicFile::open_temporary() {
  const std::string full = path_.filename().string();
  const std::string target = full.size() <= longest_name ? full : "long";
  const std::string stem = str(folder_of(path_), "/", temporary_prefix, ::getpid(), "-");
  for (int attempt = 0; file_ < 0; ++attempt) {
    const std::string name = str(stem, attempt, "-", target, temporary_suffix);
    file_ = ::open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (file_ >= 0) {
      temporary_ = name;
    } else if (errno != EEXIST && errno != EINTR) {
      fail("create");
    }
  }
}

void AtomicFile::close_file() {
  if (file_ >= 0) ::close(file_);
  file_ = -1;
}

void AtomicFile::write(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(file_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail("write");
    bytes = bytes.subspan(static_cast<size_t>(written));
  }
}

void AtomicFile::commit() {
  if (::fsync(file_) != 0) fail("write");
  const int file = file_;
  file_ = -1;
  if (::close(file) != 0) fail("write");
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) fail("rename the finished file to");
  temporary_.clear();
  if (!sync_folder(folder_of(path_))) fail("flush the folder of");
}

void AtomicFile::fail(const char* what) const {
  const std::string reason = std::generic_category().message(errno);
  throw IoError(op_, str("cannot ", what, " '", path_.string(), "': ", reason),
                "check that the folder exists, is writable and has space");
}

void remove_temporary_files(const std::filesystem::path& folder,
                            const std::function<bool(const std::string&)>& is_own) {
  std::error_code ignored;
  for (std::filesystem::directory_iterator it(folder, ignored), end; it != end;
       it.increment(ignored)) {
    const auto temporary = parse_temporary(it->path().filename().string());
    if (!temporary || !is_own(temporary->target) || is_running(temporary->process)) continue;
    std::error_code stays;
    std::filesystem::remove(it->path(), stays);
  }
}

bool sync_folder(const std::filesystem::path& folder) {
  const int handle = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (handle < 0) return errno == EACCES;  // a folder that may be written but not read
  const bool done = ::fsync(handle) == 0 || errno == EINVAL || errno == ENOTSUP;
  const int error = errno;
  ::close(handle);
  errno = error;
  return done;
}

}  // namespace gradus
