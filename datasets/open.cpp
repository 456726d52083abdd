#include "open.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "../core/base/error.h"
#include "cifar.h"
#include "fetch.h"
#include "mnist.h"
#include "synthetic.h"

namespace gradus::data {

namespace fs = std::filesystem;

namespace {

constexpr const char* op = "open_dataset";

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

/// Whether there is anything in a folder but hidden files, such as the lock of a failed download.
bool holds_files(const fs::path& folder) {
  std::error_code error;
  fs::directory_iterator entries(folder, error);
  return std::any_of(begin(entries), end(entries), [](const fs::directory_entry& entry) {
    return !entry.path().filename().string().starts_with('.');
  });
}

// --- Places --------------------------------------------------------------------------------------

/// Where checksums of the uncompressed files are known: what has others is something else.
bool is_verifiable(const KnownDataset& dataset) {
  return std::all_of(dataset.files.begin(), dataset.files.end(),
                     [](const KnownFile& file) { return !file.sha256.empty(); });
}

Found describe(const KnownDataset& dataset) {
  Found found;
  found.key = dataset.key;
  found.name = dataset.title;
  found.classes = dataset.classes;
  found.normalization = dataset.normalization;
  return found;
}

/// What to add to the reason for data that was asked for by name and cannot be verified.
std::string caveat(const Found& found) {
  if (!found.doubt.empty()) return "; " + found.doubt;
  return found.key.empty() || found.verified
             ? ""
             : "; its files were checked by their structure alone, no checksums are known";
}

/// What is wrong where some files are the published ones of a known data set and others are not.
std::string doubt_about(const MnistData& train, const MnistData& test) {
  if (!train.doubt.empty() || !test.doubt.empty()) {
    return train.doubt.empty() ? test.doubt : train.doubt;
  }
  if ((train.known == nullptr) == (test.known == nullptr)) return "";
  const bool is_test = test.known == nullptr;
  return str("the ", is_test ? "test" : "training",
             " files are not the published ones, although the ", is_test ? "training" : "test",
             " files are those of ", (is_test ? train : test).known->title);
}

Found load_cifar_folder(const fs::path& folder, const KnownDataset& dataset, bool test_only) {
  Found found = describe(dataset);
  if (!test_only)
    found.train = share(as_dataset(load_cifar(folder, Split::train, dataset), found.normalization));
  found.test = share(as_dataset(load_cifar(folder, Split::test, dataset), found.normalization));
  return found;
}

/// Both splits of a folder, or one. Where `expected` is nullptr, any data set with the names of
/// MNIST's files may be there.
Found load_folder(const fs::path& folder, const KnownDataset* expected, bool test_only) {
  if (expected != nullptr && expected->format != Format::idx) {
    return load_cifar_folder(folder, *expected, test_only);
  }
  const MnistOptions options = {.expected = expected};
  MnistData train;
  if (!test_only) train = load_mnist(folder, Split::train, options);
  const MnistData test = load_mnist(folder, Split::test, options);
  if (test_only) train.known = test.known;
  if (train.known != test.known && train.known != nullptr && test.known != nullptr) {
    throw IoError(op,
                  str(folder.string(), " holds the training data of ", train.known->title,
                      " and the test data of ", test.known->title),
                  "keep each data set in a folder of its own");
  }
  const bool recognized = train.known != nullptr && train.known == test.known;
  const KnownDataset* const known = train.known != nullptr ? train.known : test.known;
  const KnownDataset& like = known != nullptr ? *known : expected != nullptr ? *expected : mnist();
  Found found = describe(like);
  if (!recognized && is_verifiable(like)) {
    found.key = "";
    found.name = "data in the format of " + like.title;
  }
  found.verified = recognized;
  found.doubt = doubt_about(train, test);
  if (!test_only) found.train = share(as_dataset(train, like.normalization));
  found.test = share(as_dataset(test, like.normalization));
  return found;
}

/// The same where nothing but the known data set will do: for the cache and the system's packages.
Found load_recognized(const fs::path& folder, const KnownDataset& dataset, bool test_only) {
  Found found = load_folder(folder, &dataset, test_only);
  if (found.key != dataset.key) {
    throw IoError(op,
                  str(folder.string(), " does not hold ", dataset.title, ": the checksums differ"),
                  "download it again");
  }
  return found;
}

Found make_synthetic(const OpenOptions& options) {
  const std::vector<Normalization>& normalization = mnist().normalization;
  const auto make = [&](int64_t count, int64_t first) {
    const Batch digits = synthetic_digits(count, {.seed = options.synthetic_seed, .first = first});
    return share(as_dataset(MnistData{digits.x, digits.y}, normalization));
  };
  constexpr int64_t first_test = int64_t{1} << 40;  // far from any number of training images
  return {.train = options.test_only ? nullptr : make(options.synthetic_train, 0),
          .test = make(options.synthetic_test, first_test),
          .key = "synthetic",
          .name = "synthetic digits",
          .classes = mnist().classes,
          .normalization = normalization};
}

// --- The search ----------------------------------------------------------------------------------

/// Tries one place after the other and remembers why each one did not do.
class Search {
 public:
  explicit Search(const OpenOptions& options)
      : options_(options), cache_(options.cache.empty() ? default_cache() : options.cache) {}

  bool in_cache(const KnownDataset& dataset) {
    const fs::path folder = cache_ / dataset.key;
    if (cache_.empty() || !holds_files(folder)) {
      add_reason("nothing is cached");
      return false;
    }
    return attempt(folder, dataset, "from", "the cache cannot be used");
  }

  bool in_download(const KnownDataset& dataset) {
    if (!dataset.archive.empty()) {
      add_reason(str("it comes as one archive, ", dataset.archive, ", which is not downloaded"));
      hint_ = str("unpack the archive in ", (cache_ / dataset.key).string(),
                  ", or give the folder that holds its files");
      return false;
    }
    if (!options_.allow_download || !can_download() || cache_.empty()) {
      add_reason(!options_.allow_download ? "downloading was not allowed"
                 : !can_download()        ? "this build cannot download (no libcurl)"
                                   : "there is no cache folder (set XDG_CACHE_HOME or HOME)");
      return false;
    }
    const fs::path folder = cache_ / dataset.key;
    try {
      fetch(dataset, folder, {.mirrors = options_.mirrors, .notify = options_.notify});
    } catch (const IoError& error) {
      add_reason("the download failed: " + error.detail());
      last_error_ = error.what();
      return false;
    }
    return attempt(folder, dataset, "downloaded to", "the download cannot be used");
  }

  bool in_system(const KnownDataset& dataset) {
    const fs::path folder = options_.system / dataset.key;
    std::error_code error;
    if (!fs::is_directory(folder, error)) {
      add_reason(str("there is no ", folder.string()));
      return false;
    }
    return attempt(folder, dataset, "from", "the system's copy cannot be used");
  }

  Found take() { return std::move(found_); }
  /// "no directory was given, nothing is cached and ..."
  std::string reasons() const {
    std::string text = reasons_.front();
    for (size_t i = 1; i < reasons_.size(); ++i) {
      text += (i + 1 < reasons_.size() ? ", " : " and ") + reasons_[i];
    }
    return text;
  }
  /// The whole text of the last failed download: it tells what to do by hand.
  const std::string& last_error() const { return last_error_; }
  const std::string& hint() const { return hint_; }

 private:
  bool attempt(const fs::path& folder, const KnownDataset& dataset, const char* how,
               const char* failure) {
    try {
      found_ = load_recognized(folder, dataset, options_.test_only);
      found_.folder = folder;
    } catch (const IoError& error) {
      add_reason(str(failure, ": ", error.detail()));
      return false;
    }
    found_.why =
        str(found_.name, " ", how, " ", folder.string(), ", because ", reasons(), caveat(found_));
    return true;
  }

  void add_reason(std::string reason) { reasons_.push_back(std::move(reason)); }

  const OpenOptions& options_;
  fs::path cache_;
  Found found_;
  std::vector<std::string> reasons_ = {"no directory was given"};
  std::string last_error_;
  std::string hint_ = "give the folder that holds its files";
};

Found open_known(const KnownDataset& dataset, const OpenOptions& options) {
  Search search(options);
  if (search.in_cache(dataset) || search.in_system(dataset) || search.in_download(dataset)) {
    return search.take();
  }
  throw IoError(op,
                str("cannot find ", dataset.title, ": ",
                    search.last_error().empty() ? search.reasons() : search.last_error()),
                search.last_error().empty() ? search.hint() : "");
}

Found open_any(const OpenOptions& options) {
  Search search(options);
  if (search.in_cache(mnist()) || search.in_download(mnist()) ||
      search.in_system(fashion_mnist())) {
    return search.take();
  }
  Found found = make_synthetic(options);
  found.why = str("synthetic digits, because ", search.reasons());
  return found;
}

Found open_directory(const fs::path& folder, const char* given_by, const KnownDataset* expected,
                     bool test_only) {
  Found found = load_folder(folder, expected, test_only);
  found.folder = folder;
  found.why = str(found.name, " from ", folder.string(), ", given by ", given_by, caveat(found));
  return found;
}

const KnownDataset* dataset_named(const std::string& name) {
  const KnownDataset* const known = find_dataset(name);
  if (known != nullptr || name == "auto" || name == "synthetic") return known;
  std::string names;
  for (const std::string& each : dataset_names()) names += (names.empty() ? "" : ", ") + each;
  throw ValueError(op, str("there is no data set '", name, "'"), "known are " + names);
}

}  // namespace

fs::path default_cache() {
  if (const std::string base = environment("XDG_CACHE_HOME"); !base.empty()) {
    return fs::path(base) / "gradus";
  }
  const std::string home = environment("HOME");
  return home.empty() ? fs::path() : fs::path(home) / ".cache" / "gradus";
}

std::vector<std::string> dataset_names() {
  std::vector<std::string> names = {"auto", "synthetic"};
  for (const KnownDataset& known : known_datasets()) names.push_back(known.key);
  return names;
}

Found open_dataset(const OpenOptions& options) {
  const KnownDataset* const dataset = dataset_named(options.name);
  if (options.name == "synthetic") {
    Found found = make_synthetic(options);
    found.why = "synthetic digits, as asked for";
    return found;
  }
  if (!options.directory.empty()) {
    return open_directory(options.directory, "the directory option", dataset, options.test_only);
  }
  if (const std::string folder = environment("GRADUS_DATA_DIR"); !folder.empty()) {
    return open_directory(folder, "GRADUS_DATA_DIR", dataset, options.test_only);
  }
  return dataset != nullptr ? open_known(*dataset, options) : open_any(options);
}

}  // namespace gradus::data
