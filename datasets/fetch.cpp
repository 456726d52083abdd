#include "fetch.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <span>
#include <system_error>

#include "../core/base/error.h"
#include "../core/io/atomic_file.h"
#include "digests.h"
#include "download.h"
#include "file.h"
#include "idx.h"

namespace gradus::data {

namespace fs = std::filesystem;

namespace {

constexpr const char* op = "fetch";

using Notify = std::function<void(const std::string&)>;

/// Keeps other processes out of a folder while it lives; waits for its turn.
class FolderLock {
 public:
  FolderLock(const fs::path& folder, const Notify& notify) {
    const fs::path name = folder / ".lock";
    file_ = ::open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (file_ < 0) fail(name);
    // Some network file systems have no locks: there, two processes may download the same files.
    if (::flock(file_, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK) return;
    if (notify) notify("waiting for another process that downloads into " + folder.string());
    while (::flock(file_, LOCK_EX) != 0) {
      if (errno != EINTR) fail(name);
    }
  }
  ~FolderLock() { close(); }
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;

 private:
  void close() {
    if (file_ >= 0) ::close(file_);  // also unlocks
    file_ = -1;
  }
  [[noreturn]] void fail(const fs::path& name) {
    const std::string reason = std::generic_category().message(errno);
    close();
    throw IoError(op, str("cannot lock ", name.string(), ": ", reason),
                  "choose another folder for downloaded data");
  }

  int file_ = -1;
};

void check_options(const FetchOptions& options) {
  if (options.connect_seconds < 1 || options.stall_seconds < 1 || options.attempts < 1) {
    throw ValueError(op,
                     str("time limits and attempts must be at least 1, got connect_seconds ",
                         options.connect_seconds, ", stall_seconds ", options.stall_seconds,
                         ", attempts ", options.attempts),
                     "leave them out for the usual ones");
  }
}

/// Nothing is kept that cannot be verified.
void check_has_checksums(const KnownDataset& dataset) {
  for (const KnownFile& file : dataset.files) {
    if (!file.sha256.empty() || !file.gzip_sha256.empty()) continue;
    throw ValueError(op, str("no checksum is known for ", file.name, " of ", dataset.title),
                     dataset.archive.empty() ? "give its sha256 or gzip_sha256"
                                             : "unpack " + dataset.archive + " by hand");
  }
}

void make_folder(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) {
    throw IoError(op, str("cannot make the folder ", folder.string(), ": ", error.message()),
                  "choose another folder for downloaded data");
  }
}

/// Throws IoError where the bytes are not the file that they should be.
void verify(std::span<const std::byte> bytes, const std::string& name, const KnownFile& file) {
  FileDigests found(bytes, parse_idx(bytes, name));
  if (found.match(file)) return;
  const bool payload = !file.sha256.empty();
  throw IoError(op,
                str(name, ": wrong content: SHA-256 ", payload ? found.payload() : found.gzip(),
                    ", expected ", payload ? file.sha256 : file.gzip_sha256),
                "the file was changed or damaged; another mirror may have it");
}

bool is_verified(const fs::path& path, const KnownFile& file) {
  std::error_code error;
  if (!fs::is_regular_file(path, error)) return false;
  try {
    verify(read_file(op, path), path.string(), file);
    return true;
  } catch (const Error&) {
    return false;  // damaged: it is downloaded again
  }
}

/// What to do without a network: every file, its size and where it is.
std::string by_hand(const KnownDataset& dataset, const fs::path& folder) {
  std::string text = str("without a network, put these files into ", folder.string(), " by hand");
  for (const KnownFile& file : dataset.files) {
    const std::string name = file.name + ".gz";
    text += "\n  " + name;
    if (file.bytes > 0) text += str("  ", file.bytes, " bytes");
    if (!dataset.mirrors.empty()) text += "  " + dataset.mirrors.front() + name;
  }
  return text;
}

class Fetcher {
 public:
  Fetcher(const KnownDataset& dataset, const fs::path& folder, const FetchOptions& options)
      : dataset_(dataset),
        folder_(folder),
        options_(options),
        mirrors_(options.mirrors.empty() ? dataset.mirrors : options.mirrors) {}

  void get(const KnownFile& file) {
    const fs::path path = folder_ / (file.name + ".gz");
    if (is_verified(path, file)) return;
    const std::vector<std::byte> content = download_verified(file);
    AtomicFile target(op, path);
    target.write(content);
    target.commit();
  }

 private:
  std::vector<std::byte> download_verified(const KnownFile& file) {
    std::string failures;
    for (size_t tries = 0; tries < mirrors_.size(); ++tries) {
      try {
        const std::string& mirror = mirrors_[mirror_];
        return download_from(str(mirror, mirror.ends_with('/') ? "" : "/", file.name, ".gz"), file);
      } catch (const IoError& error) {
        failures += (failures.empty() ? ": " : "; ") + error.detail();
        mirror_ = (mirror_ + 1) % mirrors_.size();  // stays with one that works
      }
    }
    throw IoError(op, str("no mirror delivers ", file.name, ".gz of ", dataset_.title, failures),
                  by_hand(dataset_, folder_));
  }

  std::vector<std::byte> download_from(const std::string& address, const KnownFile& file) const {
    if (options_.notify) options_.notify("downloading " + address);
    DownloadOptions limits{.connect_seconds = options_.connect_seconds,
                           .stall_seconds = options_.stall_seconds,
                           .attempts = options_.attempts};
    if (file.bytes > 0) limits.max_bytes = static_cast<size_t>(2 * file.bytes + (1 << 20));
    std::vector<std::byte> content = download(address, limits);
    verify(content, address, file);
    return content;
  }

  const KnownDataset& dataset_;
  const fs::path& folder_;
  const FetchOptions& options_;
  const std::vector<std::string>& mirrors_;
  size_t mirror_ = 0;
};

}  // namespace

void fetch(const KnownDataset& dataset, const fs::path& folder, const FetchOptions& options) {
  check_options(options);
  check_has_checksums(dataset);
  make_folder(folder);
  const FolderLock lock(folder, options.notify);
  remove_temporary_files(folder, [&](const std::string& name) {
    return std::any_of(dataset.files.begin(), dataset.files.end(),
                       [&](const KnownFile& file) { return name == file.name + ".gz"; });
  });
  Fetcher fetcher(dataset, folder, options);
  for (const KnownFile& file : dataset.files) fetcher.get(file);
}

}  // namespace gradus::data
