#include "input_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <system_error>

namespace gradus {
namespace {

constexpr const char* usual_hint = "check its permissions and the disk";

std::string reason() {
  return std::generic_category().message(errno);
}

}  // namespace

InputFile::InputFile(const char* op, const std::filesystem::path& path, Kind kind)
    : op_(op), name_(path.string()) {
  const auto check = [this](bool holds, const char* hint, const auto&... what) {
    require<ReadError>(holds, op_, hint, "'", name_, "': ", what...);
  };
  // Without O_NONBLOCK, opening a pipe would block.
  const int wait = kind == Kind::any ? 0 : O_NONBLOCK;
  const int handle = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | wait);
  check(handle >= 0 || errno != ENOENT, "check the name", "the file does not exist");
  check(handle >= 0, usual_hint, "the file cannot be opened: ", reason());
  const std::shared_ptr<const void> closing(nullptr, [handle](const void*) { ::close(handle); });
  struct stat status {};
  check(::fstat(handle, &status) == 0, usual_hint, "the file cannot be read: ", reason());
  const bool regular = S_ISREG(status.st_mode);
  check(regular || kind == Kind::any, "folders, devices and pipes cannot be read",
        "it is not a regular file");
  size_ = regular ? static_cast<uint64_t>(status.st_size) : 0;
  read_some_ = [=](uint64_t at, void* to, size_t n) {
    static_cast<void>(closing);  // as long as this function is there, the file is open
    ssize_t got;
    do {
      got = regular ? ::pread(handle, to, n, static_cast<off_t>(at)) : ::read(handle, to, n);
    } while (got < 0 && errno == EINTR);
    if (got < 0) {
      throw ReadError(op, str("'", path.string(), "': the file cannot be read: ", reason()),
                      usual_hint);
    }
    return static_cast<size_t>(got);
  };
}

InputFile::InputFile(const char* op, std::string name, std::span<const std::byte> bytes)
    : InputFile(op, std::move(name), bytes.size(), [bytes](uint64_t at, void* to, size_t n) {
        const auto rest = bytes.subspan(std::min<uint64_t>(at, bytes.size()));
        n = std::min(n, rest.size());
        std::copy_n(rest.begin(), n, static_cast<std::byte*>(to));
        return n;
      }) {}

size_t InputFile::read_up_to(void* to, size_t n) {
  size_t done = 0;
  while (done < n) {
    const size_t got = read_some_(position_, static_cast<std::byte*>(to) + done, n - done);
    if (got == 0) break;
    done += got;
    position_ += got;
  }
  return done;
}

void InputFile::read(void* to, uint64_t n) {
  require<ReadError>(read_up_to(to, n) == n, op_, usual_hint, "'", name_,
                     "': reading failed before the end of the file");
}

std::vector<std::byte> read_file(const char* op, const std::filesystem::path& path,
                                 uint64_t at_most) {
  using Type = std::filesystem::file_type;
  std::error_code ignored;  // opening will say it
  const Type type = std::filesystem::status(path, ignored).type();
  require<IoError>(type != Type::not_found, op, "check the path", "there is no file ",
                   path.string());
  require<IoError>(type != Type::directory, op, "name the file inside of it", path.string(),
                   " is a directory, not a file");
  require<IoError>(type != Type::character && type != Type::block, op, "check the path",
                   path.string(), " is a device, not a file");
  InputFile file(op, path, InputFile::Kind::any);
  const auto check_size = [&](uint64_t size) {
    require<IoError>(size <= at_most, op, "no file of this kind is that large; check the path",
                     path.string(), " has more than ", at_most >> 20, " MiB");
  };
  check_size(file.size());
  std::vector<std::byte> bytes;
  constexpr uint64_t piece = 1 << 20;
  for (size_t wanted = std::max(piece, file.size() + 1);; wanted = piece) {
    const size_t before = bytes.size();
    bytes.resize(before + wanted);
    const size_t got = file.read_up_to(bytes.data() + before, wanted);
    bytes.resize(before + got);
    check_size(bytes.size());
    if (got < wanted) return bytes;
  }
}

}  // namespace gradus
