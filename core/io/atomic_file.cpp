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
#include <utility>

#include "../base/error.h"

namespace gradus {
namespace {

// A temporary file is named ".gradus-<process>-<number>-<name of the file it becomes>.tmp".
constexpr std::string_view temporary_prefix = ".gradus-";
constexpr std::string_view temporary_suffix = ".tmp";
constexpr size_t longest_name = 200;  // of a file, so that the temporary name is not too long

struct Temporary {
  pid_t process = 0;
  int number = 0;
  std::string target;

  std::string name() const {
    return str(temporary_prefix, process, "-", number, "-", target, temporary_suffix);
  }
};

/// The parts of the name of a temporary file; nothing for other names.
std::optional<Temporary> parse_temporary(const std::string& name) {
  Temporary found;
  const size_t suffix = name.size() - std::min(name.size(), temporary_suffix.size());
  const char* const end = name.data() + suffix;
  const char* at = name.data() + std::min(suffix, temporary_prefix.size());
  for (int* number : {&found.process, &found.number}) {
    at = std::from_chars(at, end, *number).ptr;
    at += at < end ? 1 : 0;
  }
  found.target = std::string(at, end);
  const bool good = found.process > 0 && !found.target.empty() && found.name() == name;
  return good ? std::optional(found) : std::nullopt;
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
  require<IoError>(!path_.filename().empty(), op_, "give the name of a file in it", "'",
                   path_.string(), "' names a folder, not a file");
  std::error_code ignored;
  if (std::filesystem::is_symlink(path_, ignored)) {  // replace the file, not the link
    const auto target = std::filesystem::weakly_canonical(path_, ignored);
    if (!ignored) path_ = target;
  }
  struct stat status {};
  const bool exists = ::stat(path_.c_str(), &status) == 0;
  require<IoError>(!exists || S_ISREG(status.st_mode), op_,
                   "choose another name; only regular files are replaced", "'", path_.string(),
                   "' exists and is not a regular file");
  check(!exists || ::access(path_.c_str(), W_OK) == 0, "write");
  const std::string full = path_.filename().string();
  Temporary temporary{::getpid(), 0, full.size() <= longest_name ? full : "long"};
  for (; file_ < 0; ++temporary.number) {
    const std::string name = str(folder_of(path_), "/", temporary.name());
    file_ = ::open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    check(file_ >= 0 || errno == EEXIST || errno == EINTR, "create");
    if (file_ >= 0) temporary_ = name;
  }
  if (exists) ::fchmod(file_, status.st_mode & 07777);  // at worst the mode is that of a new file
}

AtomicFile::~AtomicFile() {
  if (file_ >= 0) ::close(file_);
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

void AtomicFile::write(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(file_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    check(written >= 0, "write");
    bytes = bytes.subspan(static_cast<size_t>(written));
  }
}

void AtomicFile::commit() {
  check(::fsync(file_) == 0, "write");
  check(::close(std::exchange(file_, -1)) == 0, "write");
  check(::rename(temporary_.c_str(), path_.c_str()) == 0, "rename the finished file to");
  temporary_.clear();
  check(sync_folder(folder_of(path_)), "flush the folder of");
}

void AtomicFile::check(bool done, const char* what) const {
  if (done) return;
  const std::string reason = std::generic_category().message(errno);
  throw IoError(op_, str("cannot ", what, " '", path_.string(), "': ", reason),
                "check that the folder exists, is writable and has space");
}

void write_file_atomically(const char* op, const std::filesystem::path& path,
                           std::initializer_list<std::span<const std::byte>> parts) {
  AtomicFile file(op, path);
  for (const auto part : parts) file.write(part);
  file.commit();
}

void remove_temporary_files(const std::filesystem::path& folder,
                            const std::function<bool(const std::string&)>& is_own) {
  std::error_code ignored;
  for (std::filesystem::directory_iterator it(folder, ignored), end; it != end;
       it.increment(ignored)) {
    const auto temporary = parse_temporary(it->path().filename().string());
    if (!temporary || !is_own(temporary->target) || is_running(temporary->process)) continue;
    std::filesystem::remove(it->path(), ignored);
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
