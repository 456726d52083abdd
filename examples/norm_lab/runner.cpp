#include "runner.h"

#include <gradus/core/base/error.h>
#include <gradus/core/base/parallel_for.h>
#include <gradus/core/io/atomic_file.h>
#include <gradus/core/ops.h>
#include <gradus/core/system_info.h>
#include <gradus/core/tape.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <numeric>

#include "../mnist/evaluate.h"

namespace gradus::lab {

namespace {

namespace fs = std::filesystem;

/// Thrown to leave an experiment once a signal has come.
struct Stopped {};

/// Numbers that JSON cannot hold become null.
json finite(const json& values) {
  if (values.is_number_float() && !std::isfinite(values.get<double>())) return nullptr;
  if (!values.is_structured()) return values;
  json copy = values;
  for (json& element : copy) element = finite(element);
  return copy;
}

/// The image dimensions of a batch, in a tensor of its own.
data::Batch first_images(const data::Dataset& dataset, int64_t n) {
  std::vector<int64_t> indices(static_cast<size_t>(n));
  std::iota(indices.begin(), indices.end(), int64_t{0});
  return dataset.gather(indices);
}

Record measured(const json& settings, uint64_t seed, const Lab::Measurement& f) {
  const training::Stopwatch watch;
  manual_seed(seed);
  const json values = finite(f(seed));
  return {settings, seed, values, std::round(watch.seconds() * 1000) / 1000};
}

}  // namespace

fs::path results_file(const fs::path& folder, const std::string& name) {
  return folder / (name + ".jsonl");
}

json load_facts(const fs::path& folder) {
  std::ifstream in(folder / "lab.json");
  json facts = json::parse(in, nullptr, false);
  require<IoError>(facts.is_object(), "norm_lab",
                   "name a folder that `norm_lab run --out FOLDER` wrote", folder.string(),
                   " has no lab.json");
  return facts;
}

// --- Lab, as experiments see it ------------------------------------------------------------------

void Lab::measure(const json& settings, int64_t seeds, const Measurement& f) {
  runner_.measure(settings, seeds, 1, f);
}

void Lab::define(const json& settings, const std::function<json()>& f) {
  runner_.measure(settings, 1, 0, [&](uint64_t) { return f(); });
}

bool Lab::full() const {
  return runner_.full();
}

int64_t Lab::seeds() const {
  return runner_.seeds();
}

data::Batch Lab::train_images(int64_t n) const {
  return runner_.images(data::Split::train, n);
}

data::Batch Lab::test_images(int64_t n) const {
  return runner_.images(data::Split::test, n);
}

// --- Runner --------------------------------------------------------------------------------------

Runner::Runner(const RunOptions& options, training::Console& console)
    : options_(options), console_(console) {
  check_folder();
}

void Runner::check_folder() {
  const fs::path &out = options_.out, file = out / "lab.json";
  const json now = {{"kind", full() ? "full" : "quick"}, {"dataset", options_.dataset}};
  if (fs::exists(file)) {
    const json before = load_facts(out);
    for (const char* key : {"kind", "dataset"}) {
      require<IoError>(before.value(key, "") == now[key].get<std::string>(), "norm_lab",
                       "give another folder with --out", out.string(), " holds results of ",
                       before.value(key, "another kind"), ", which do not mix with ",
                       now[key].get<std::string>());
    }
    return;
  }
  std::error_code error;
  fs::create_directories(out, error);
  require<IoError>(!error, "norm_lab", "give another folder with --out", out.string(), ": ",
                   error.message());
  const SystemInfo info = system_info();
  json facts = now;
  facts["version"] = info.version;
  facts["instruction_set"] = info.instruction_set;
  const std::string text = facts.dump(2) + "\n";
  write_file_atomically("norm_lab", file, {std::as_bytes(std::span(text))});
}

const data::Found& Runner::found_data() {
  if (!data_) {
    data_ = examples::open_data({.name = options_.dataset, .directory = options_.data}, console_);
    json facts = load_facts(options_.out);
    const std::string images = data_->name;
    require<IoError>(facts.value("images", images) == images, "norm_lab",
                     "give the folder with --data, or another one with --out",
                     "the results so far are of ", facts.value("images", ""),
                     ", now found: ", images);
    facts["images"] = images;
    facts["why"] = data_->why;
    const std::string text = facts.dump(2) + "\n";
    write_file_atomically("norm_lab", options_.out / "lab.json", {std::as_bytes(std::span(text))});
  }
  return *data_;
}

data::Batch Runner::images(data::Split split, int64_t n) {
  const std::lock_guard lock(images_);
  data::Batch& held = held_.at(split == data::Split::train ? 0 : 1);
  if (!held.x.defined() || held.x.size(0) < n) {
    const data::DatasetPtr& images =
        split == data::Split::train ? found_data().train : found_data().test;
    require<IoError>(images->size() >= n, "norm_lab", "give other data with --data", "there are ",
                     images->size(), " ", data::name_of(split), " images, not ", n);
    held = first_images(*images, n);
  }
  return {held.x.narrow(0, 0, n), held.y.narrow(0, 0, n)};
}

void Runner::begin(const Experiment& experiment) {
  file_ = results_file(options_.out, experiment.name);
  known_ = Results::load(file_);
}

void Runner::measure(const json& settings, int64_t seeds, uint64_t first_seed,
                     const Lab::Measurement& f) {
  std::vector<uint64_t> missing;
  for (int64_t i = 0; i < seeds; ++i) {
    const uint64_t seed = first_seed + static_cast<uint64_t>(i);
    const auto& records = known_.records();
    const bool known = std::any_of(records.begin(), records.end(), [&](const Record& record) {
      return record.seed == seed && record.settings == settings;
    });
    if (!known) missing.push_back(seed);
  }
  if (counting_) {
    planned_ += static_cast<int64_t>(missing.size());
    return;
  }
  // As many at a time as there are threads, and written in order.
  const auto at_once = static_cast<size_t>(num_threads());
  for (size_t begin = 0; begin < missing.size(); begin += at_once) {
    std::vector<Record> records(std::min(at_once, missing.size() - begin));
    parallel_for(static_cast<int64_t>(records.size()), 1, [&](int64_t i, int64_t) {
      const auto place = static_cast<size_t>(i);
      records[place] = measured(settings, missing[begin + place], f);
    });
    append(records);
    done_ += static_cast<int64_t>(records.size());
    progress_->update(done_, {});
    if (stop_->received() != 0) throw Stopped();
  }
}

void Runner::append(const std::vector<Record>& records) {
  std::string text;
  for (const Record& record : records) text += record.line().dump() + "\n";
  std::ofstream out(file_, std::ios::app);
  require<IoError>(static_cast<bool>(out << text << std::flush), "norm_lab",
                   "check the space on the disk, and go on with the same command", file_.string(),
                   " could not be written");
}

void Runner::count(const std::vector<const Experiment*>& experiments) {
  counting_ = true;
  Lab lab(*this);
  for (const Experiment* experiment : experiments) {
    begin(*experiment);
    experiment->run(lab);
    // A line that was not finished when the program was killed goes.
    std::string text;
    for (const Record& record : known_.records()) text += record.line().dump() + "\n";
    std::error_code error;
    if (fs::file_size(file_, error) != text.size() && !error) {
      write_file_atomically("norm_lab", file_, {std::as_bytes(std::span(text))});
    }
  }
  counting_ = false;
}

int Runner::run(const std::vector<const Experiment*>& experiments) {
  count(experiments);
  if (planned_ == 0) return 0;
  training::StopSignal stop;
  stop_ = &stop;
  training::Progress progress(console_, str(options_.full ? "full" : "quick", " run"), planned_, 0,
                              "measurements");
  progress_ = &progress;
  Lab lab(*this);
  try {
    for (const Experiment* experiment : experiments) {
      const training::Stopwatch watch;
      const int64_t before = done_;
      begin(*experiment);
      experiment->run(lab);
      if (done_ == before) continue;
      console_.say(experiment->name,
                   str(done_ - before, " measurements, ", fixed(watch.seconds(), 1), " s"));
    }
  } catch (const Stopped&) {
    return stop.received();
  }
  return 0;
}

}  // namespace gradus::lab
