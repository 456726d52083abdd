#include "fetch.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <span>
#include <system_error>

#include "../core/base/error.h"
#include "../core/io/atomic_file.h"
#include "../core/io/input_file.h"
#include "../core/io/sha256.h"
#include "download.h"
#include "idx.h"

namespace gradus::data {

namespace fs = std::filesystem;

namespace {

constexpr const char* fetch_op = "fetch";

constexpr const char* another_folder = "choose another folder for downloaded data";

/// Keeps other processes out of a folder as long as the result lives; waits for its turn.
std::shared_ptr<const void> locked(const fs::path& folder, const FetchOptions& options) {
  const std::string name = (folder / ".lock").string();
  const auto check = [&](bool done) {
    require<IoError>(done, fetch_op, another_folder, "cannot lock ", name, ": ",
                     std::generic_category().message(errno));
  };
  const int file = ::open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  check(file >= 0);
  std::shared_ptr<const void> closing(nullptr, [file](const void*) { ::close(file); });
  // Some network file systems have no locks: there, two processes may download the same files.
  if (::flock(file, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK) return closing;
  if (options.notify)
    options.notify("waiting for another process that downloads into " + folder.string());
  while (::flock(file, LOCK_EX) != 0) check(errno == EINTR);
  return closing;
}

/// Throws IoError if the bytes are not the file that they should be.
void verify(std::span<const std::byte> bytes, const std::string& name, const KnownFile& file) {
  const Tensor content = parse_idx(bytes, name);
  const std::string found = file.sha256.empty() ? sha256(bytes) : payload_sha256(content);
  require<IoError>(found == file.digest(), fetch_op,
                   "the file was changed or damaged; another mirror may have it", name,
                   ": wrong content: SHA-256 ", found, ", expected ", file.digest());
}

bool is_verified(const fs::path& path, const KnownFile& file) {
  try {
    verify(read_file(fetch_op, path), path.string(), file);
    return true;
  } catch (const Error&) {
    return false;  // missing or damaged: it is downloaded
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

std::vector<std::byte> download_verified(const std::string& address, const KnownFile& file,
                                         const FetchOptions& options) {
  if (options.notify) options.notify("downloading " + address);
  DownloadOptions limits{.connect_seconds = options.connect_seconds,
                         .stall_seconds = options.stall_seconds,
                         .attempts = options.attempts};
  if (file.bytes > 0) limits.max_bytes = static_cast<size_t>(2 * file.bytes + (1 << 20));
  std::vector<std::byte> content = download(address, limits);
  verify(content, address, file);
  return content;
}

}  // namespace

void fetch(const KnownDataset& dataset, const fs::path& folder, const FetchOptions& options) {
  require(options.connect_seconds >= 1 && options.stall_seconds >= 1 && options.attempts >= 1,
          fetch_op, "leave them out for the usual ones",
          "time limits and attempts must be at least 1, got connect_seconds ",
          options.connect_seconds, ", stall_seconds ", options.stall_seconds, ", attempts ",
          options.attempts);
  for (const KnownFile& file : dataset.files) {  // nothing is kept that cannot be verified
    require(!file.digest().empty(), fetch_op,
            dataset.archive.empty() ? "give its sha256 or gzip_sha256"
                                    : "unpack " + dataset.archive + " by hand",
            "no checksum is known for ", file.name, " of ", dataset.title);
  }
  std::error_code unmade;
  fs::create_directories(folder, unmade);
  require<IoError>(!unmade, fetch_op, another_folder, "cannot make the folder ", folder.string(),
                   ": ", unmade.message());
  const auto lock = locked(folder, options);
  remove_temporary_files(folder, [&](const std::string& name) {
    return std::ranges::any_of(dataset.files,
                               [&](const KnownFile& file) { return name == file.name + ".gz"; });
  });
  std::vector<std::string> mirrors = options.mirrors.empty() ? dataset.mirrors : options.mirrors;
  for (const KnownFile& file : dataset.files) {
    const fs::path path = folder / (file.name + ".gz");
    if (is_verified(path, file)) continue;
    std::vector<std::byte> content;
    std::string failures;
    for (size_t tries = 0; content.empty() && tries < mirrors.size(); ++tries) {
      const std::string& mirror = mirrors.front();
      try {
        content = download_verified(str(mirror, mirror.ends_with('/') ? "" : "/", file.name, ".gz"),
                                    file, options);
      } catch (const IoError& error) {
        failures += (failures.empty() ? ": " : "; ") + error.detail();
        std::rotate(mirrors.begin(), mirrors.begin() + 1, mirrors.end());  // stays with a good one
      }
    }
    require<IoError>(!content.empty(), fetch_op, by_hand(dataset, folder), "no mirror delivers ",
                     file.name, ".gz of ", dataset.title, failures);
    write_file_atomically(fetch_op, path, {content});
  }
}

}  // namespace gradus::data
