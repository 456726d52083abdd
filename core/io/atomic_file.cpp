#include "atomic_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <csignal>
#include <regex>
#include <system_error>
#include <utility>

#include "../base/error.h"

namespace gradus {
namespace {

/// The name of a temporary file; `number` makes it unique.
std::string temporary_name(pid_t process, int number, const std::string& target) {
  constexpr size_t longest_name = 200;  // of a file, so that the temporary name is not too long
  return str(".gradus-", process, "-", number, "-", target.size() <= longest_name ? target : "long",
             ".tmp");
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
  for (int number = 0; file_ < 0; ++number) {
    const std::string name =
        str(folder_of(path_), "/", temporary_name(::getpid(), number, path_.filename().string()));
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
  size_ += bytes.size();
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
  // As temporary_name() has it. Numbers of processes and files have fewer than ten digits.
  const std::regex form(R"(\.gradus-([1-9][0-9]{0,8})-(?:0|[1-9][0-9]{0,8})-(.+)\.tmp)");
  std::error_code ignored;
  for (std::filesystem::directory_iterator it(folder, ignored), end; it != end;
       it.increment(ignored)) {
    const std::string name = it->path().filename().string();
    std::smatch parts;
    if (!std::regex_match(name, parts, form) || !is_own(parts[2])) continue;
    pid_t process = 0;
    std::from_chars(&*parts[1].first, &*parts[1].second, process);
    if (process != ::getpid() && (::kill(process, 0) == 0 || errno == EPERM)) continue;  // it runs
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
