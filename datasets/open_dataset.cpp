#include "open_dataset.h"

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

constexpr const char* open_op = "open_dataset";

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

// --- One place -----------------------------------------------------------------------------------

Found describe(const KnownDataset& dataset) {
  return {.key = dataset.key,
          .name = dataset.title,
          .classes = dataset.classes,
          .normalization = dataset.normalization};
}

/// What to add to the reason for data that was asked for by name and cannot be verified.
std::string caveat(const Found& found) {
  if (!found.doubt.empty()) return "; " + found.doubt;
  return found.key.empty() || found.verified
             ? ""
             : "; its files were checked by their structure alone, no checksums are known";
}

/// The problem if some files are the published ones of a known data set and others are not.
std::string doubt_about(const MnistData& train, const MnistData& test) {
  if (!train.doubt.empty()) return train.doubt;
  if (!test.doubt.empty() || train.known == test.known) return test.doubt;
  const bool other_test = test.known == nullptr;
  return str("the ", other_test ? "test" : "training", " files are not the published ones of ",
             (other_test ? train : test).known->title, ", as the others are");
}

/// Both splits of a folder, or one. If `expected` is nullptr, any data set with the names of
/// MNIST's files may be there.
Found load_folder(const fs::path& folder, const KnownDataset* expected, bool test_only) {
  Found found;
  const auto put = [&](const auto& load) {
    const auto part = [&](Split split) {
      return share(as_dataset(load(split), found.normalization));
    };
    if (!test_only) found.train = part(Split::train);
    found.test = part(Split::test);
  };
  if (expected != nullptr && expected->format != Format::idx) {
    found = describe(*expected);
    put([&](Split split) { return load_cifar(folder, split, *expected); });
    return found;
  }
  MnistData train;
  if (!test_only) train = load_mnist(folder, Split::train, {.expected = expected});
  const KnownDataset* const same = train.known != nullptr ? train.known : expected;
  const MnistData test = load_mnist(folder, Split::test, {.expected = same});
  if (test_only) train.known = test.known;
  const KnownDataset* const known = train.known != nullptr ? train.known : test.known;
  const bool recognized = known != nullptr && train.known == test.known;
  const KnownDataset& like = known != nullptr ? *known : expected != nullptr ? *expected : mnist();
  found = describe(like);
  // If checksums of the uncompressed files are known, what has others is something else.
  const bool verifiable = std::ranges::count(like.files, "", &KnownFile::sha256) == 0;
  if (!recognized && verifiable) {
    found.key = "";
    found.name = "data in the format of " + like.title;
  }
  found.verified = recognized;
  found.doubt = doubt_about(train, test);
  put([&](Split split) { return split == Split::train ? train : test; });
  return found;
}

Found make_synthetic(const OpenOptions& options, const std::string& why) {
  constexpr int64_t first_test = int64_t{1} << 40;  // far from any number of training images
  const std::vector<Normalization>& normalization = mnist().normalization;
  const auto make = [&](int64_t count, int64_t first) {
    const Batch digits = synthetic_digits(count, {.seed = options.synthetic_seed, .first = first});
    return share(as_dataset(MnistData{digits.x, digits.y}, normalization));
  };
  return {.train = options.test_only ? nullptr : make(options.synthetic_train, 0),
          .test = make(options.synthetic_test, first_test),
          .key = "synthetic",
          .name = "synthetic digits",
          .why = "synthetic digits, " + why,
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
    if (cache_.empty() || !holds_files(folder)) return add_reason("nothing is cached");
    return attempt(folder, dataset, "from", "the cache cannot be used");
  }

  bool in_download(const KnownDataset& dataset) {
    const fs::path folder = cache_ / dataset.key;
    if (!dataset.archive.empty()) {
      hint_ = str("unpack the archive in ", folder.string(),
                  ", or give the folder that holds its files");
      return add_reason(
          str("it comes as one archive, ", dataset.archive, ", which is not downloaded"));
    }
    if (!options_.allow_download) return add_reason("downloading was not allowed");
    if (!can_download()) return add_reason("this build cannot download (no libcurl)");
    if (cache_.empty()) {
      return add_reason("there is no cache folder (set XDG_CACHE_HOME or HOME)");
    }
    try {
      fetch(dataset, folder, {.mirrors = options_.mirrors, .notify = options_.notify});
    } catch (const IoError& error) {
      last_error_ = error.what();
      return add_reason("the download failed: " + error.detail());
    }
    return attempt(folder, dataset, "downloaded to", "the download cannot be used");
  }

  bool in_system(const KnownDataset& dataset) {
    const fs::path folder = options_.system / dataset.key;
    std::error_code error;
    if (!fs::is_directory(folder, error)) return add_reason("there is no " + folder.string());
    return attempt(folder, dataset, "from", "the system's copy cannot be used");
  }

  Found take() { return std::move(found_); }
  /// "no directory was given, nothing is cached and ..."
  std::string reasons() const {
    const std::span<const std::string> all = reasons_;
    const std::string first = joined(all.first(std::max<size_t>(1, all.size() - 1)));
    return all.size() < 2 ? first : first + " and " + all.back();
  }
  [[noreturn]] void fail(const KnownDataset& dataset) const {
    // The text of a failed download says what to do by hand.
    const bool downloaded = !last_error_.empty();
    throw IoError(open_op,
                  str("cannot find ", dataset.title, ": ", downloaded ? last_error_ : reasons()),
                  downloaded ? "" : hint_);
  }

 private:
  /// Takes the data set itself and nothing else: for the cache and the system's packages.
  bool attempt(const fs::path& folder, const KnownDataset& dataset, const char* how,
               const char* failure) {
    try {
      found_ = load_folder(folder, &dataset, options_.test_only);
      require<IoError>(found_.key == dataset.key, open_op, "download it again", folder.string(),
                       " does not hold ", dataset.title, ": the checksums differ");
    } catch (const IoError& error) {
      return add_reason(str(failure, ": ", error.detail()));
    }
    found_.folder = folder;
    found_.why =
        str(found_.name, " ", how, " ", folder.string(), ", because ", reasons(), caveat(found_));
    return true;
  }

  bool add_reason(std::string reason) {
    reasons_.push_back(std::move(reason));
    return false;
  }

  const OpenOptions& options_;
  fs::path cache_;
  Found found_;
  std::vector<std::string> reasons_ = {"no directory was given"};
  std::string last_error_;
  std::string hint_ = "give the folder that holds its files";
};

Found find(const KnownDataset* dataset, const OpenOptions& options) {
  Search search(options);
  const bool found = dataset != nullptr ? search.in_cache(*dataset) || search.in_system(*dataset) ||
                                              search.in_download(*dataset)
                                        : search.in_cache(mnist()) || search.in_download(mnist()) ||
                                              search.in_system(fashion_mnist());
  if (found) return search.take();
  if (dataset != nullptr) search.fail(*dataset);
  return make_synthetic(options, "because " + search.reasons());
}

}  // namespace

fs::path default_cache() {
  const std::string base = environment("XDG_CACHE_HOME"), home = environment("HOME");
  if (!base.empty()) return fs::path(base) / "gradus";
  return home.empty() ? fs::path() : fs::path(home) / ".cache" / "gradus";
}

std::vector<std::string> dataset_names() {
  std::vector<std::string> names = {"auto", "synthetic"};
  for (const KnownDataset& known : known_datasets()) names.push_back(known.key);
  return names;
}

Found open_dataset(const OpenOptions& options) {
  const std::string &name = options.name, variable = environment("GRADUS_DATA_DIR");
  const KnownDataset* const dataset = find_dataset(name);
  require(dataset != nullptr || name == "auto" || name == "synthetic", open_op,
          "known are " + joined(dataset_names()), "there is no data set '", name, "'");
  if (name == "synthetic") return make_synthetic(options, "as asked for");
  const bool given = !options.directory.empty();
  const fs::path folder = given ? options.directory : fs::path(variable);
  if (folder.empty()) return find(dataset, options);
  Found found = load_folder(folder, dataset, options.test_only);
  found.folder = folder;
  found.why = str(found.name, " from ", folder.string(), ", given by ",
                  given ? "the directory option" : "GRADUS_DATA_DIR", caveat(found));
  return found;
}

}  // namespace gradus::data
