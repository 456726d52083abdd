// Getting a data set from its mirrors, once.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "known_datasets.h"

namespace gradus::data {

/// Where a data set is fetched from, and for how long this may take. Times and attempts are at
/// least 1.
struct FetchOptions {
  /// Addresses to use in place of the data set's own mirrors.
  std::vector<std::string> mirrors = {};
  int connect_seconds = 10;  ///< how long to wait for a mirror to answer at all
  int stall_seconds = 20;    ///< how long to tolerate less than 1 kB/s
  int attempts = 3;          ///< how often to continue a broken transfer before the next mirror
  /// Called with one line of progress: "downloading ...", "waiting ...".
  std::function<void(const std::string&)> notify = {};
};

/// False if Gradus was built without libcurl.
bool can_download();

/// Makes sure that `folder` contains the files of `dataset`, named "<name>.gz", complete and
/// verified.
///
/// An existing file with the right checksum is left alone. Others come from the first mirror that
/// delivers, and are put in place only once their SHA-256 is verified, that of the uncompressed
/// content if it is known. Two processes may do this at the same time: the second waits and finds
/// the files. Throws IoError if no mirror delivers a file, saying what to put where by hand, and if
/// the folder cannot be written. Throws ValueError for time limits and attempts below one, and for
/// a data set without checksums, which comes as an archive.
void fetch(const KnownDataset& dataset, const std::filesystem::path& folder,
           const FetchOptions& options = {});

}  // namespace gradus::data
