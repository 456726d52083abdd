// One file over HTTP: the only place that uses libcurl.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace gradus::data {

/// Limits of a download.
struct DownloadOptions {
  int connect_seconds = 10;     ///< how long to wait for an answer at all
  int stall_seconds = 20;       ///< how long to tolerate less than 1 kB/s
  int transfer_seconds = 3600;  ///< how long one attempt may take
  int attempts = 3;             ///< how often a broken transfer is continued where it stopped
  size_t max_bytes = size_t{1} << 28;  ///< more is an error: 256 MiB
};

/// The content of an http or https address; up to five redirects, only to http and https, are
/// followed. A transfer that breaks off after some data has arrived is continued, or restarted if
/// the server cannot do that. Throws IoError with the reason: no connection, an HTTP status other
/// than success, too slow, more than `max_bytes`, or built without libcurl. The caller has to
/// verify the bytes. Thread-safe.
std::vector<std::byte> download(const std::string& address, const DownloadOptions& options = {});

}  // namespace gradus::data
