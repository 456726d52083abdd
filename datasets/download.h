// One file over HTTP: the only place that uses libcurl.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace gradus::data {

/// Limits of a download.
struct DownloadOptions {
  int connect_seconds = 10;     ///< how long to wait for an answer at all
  int stall_seconds = 20;       ///< how long to bear less than 1 kB/s
  int transfer_seconds = 3600;  ///< how long one attempt may take
  int attempts = 3;             ///< a broken transfer goes on where it stopped, up to so many times
  size_t max_bytes = size_t{1} << 28;  ///< more is an error: 256 MiB
};

/// The content of an http or https address; up to five redirects, to http and https alone, are
/// followed. A transfer that breaks off after it brought something is continued, or started anew
/// if the server cannot do that. Throws IoError with the reason: no connection, an HTTP status
/// other than success, too slow, more than `max_bytes`, or built without libcurl. Whether the bytes
/// are the right ones, the caller has to check. Safe from any thread.
std::vector<std::byte> download(const std::string& address, const DownloadOptions& options = {});

}  // namespace gradus::data
