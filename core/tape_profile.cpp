#include "tape_profile.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <map>
#include <ostream>

#include "base/error.h"
#include "base/parallel_for.h"
#include "base/text.h"
#include "ops.h"

namespace gradus {

// --- Costs of entries ---

int64_t Tape::saved_bytes(const Entry& entry) const {
  int64_t bytes = 0;
  for (uint32_t k = 0; k < entry.saved_count; ++k) {
    const Tensor& t = saved_[entry.first_saved + k].tensor;
    if (t.defined()) bytes += t.nbytes();
  }
  return bytes;
}

int64_t Tape::saved_bytes() const {
  int64_t bytes = 0;
  for (const Entry& entry : entries_) bytes += saved_bytes(entry);
  return bytes;
}

int64_t Tape::moved_bytes(const Entry& entry) const {
  const bool is_view = entry.flops == 0;
  if (is_view) return 0;
  int64_t elements = entry.shape.numel();
  for (const Shape& shape : input_shapes(entry)) elements += shape.numel();
  return elements * static_cast<int64_t>(size_of(entry.dtype));
}

namespace {

/// One replay of an entry: see ProfileCost.
ProfileCost replay_cost(const Tape& tape, const Entry& entry, int64_t saved_bytes) {
  ProfileCost cost;
  const auto element = static_cast<double>(size_of(entry.dtype));
  const auto elements = static_cast<double>(entry.shape.numel());
  const auto slots = tape.input_slots(entry);
  const auto shapes = tape.input_shapes(entry);
  bool is_same_view = entry.flops == 0;
  cost.bytes = element * elements + static_cast<double>(saved_bytes);
  for (size_t k = 0; k < slots.size(); ++k) {
    if (slots[k] < 0) continue;
    const auto size = static_cast<double>(shapes[k].numel());
    if (shapes[k].dim() > 1 || slots.size() == 1) cost.flops += entry.flops;
    cost.bytes += element * size;
    is_same_view = is_same_view && size == elements;  // the gradient is a view as well
  }
  return is_same_view ? ProfileCost() : cost;
}

/// Rows of the same operation and module become one; by time.
std::vector<ProfileRow> merged(const std::vector<ProfileRow>& rows) {
  std::vector<ProfileRow> result;
  std::map<std::pair<std::string, std::string>, size_t> places;
  for (const ProfileRow& row : rows) {
    const auto [place, is_new] = places.try_emplace({row.op, row.module}, result.size());
    if (is_new) result.push_back({.op = row.op, .module = row.module});
    result[place->second] += row;
  }
  std::stable_sort(result.begin(), result.end(), [](const ProfileRow& a, const ProfileRow& b) {
    return a.seconds() > b.seconds();
  });
  return result;
}

}  // namespace

Profile Tape::profile(ProfileBy by) const {
  require<TapeError>(options_.profile, "profile", "open it with Tape tape({.profile = true})",
                     "this tape did not take times");
  std::vector<ProfileRow> rows;
  for (size_t i = 0; i < timings_.size(); ++i) {
    const Entry& entry = entries_[i];
    const Timing& timing = timings_[i];
    if (entry.rule == nullptr) continue;
    const ProfileCost replay = replay_cost(*this, entry, timing.saved_bytes);
    rows.push_back(
        {.op = entry.op,
         .module = by == ProfileBy::module ? path(entry) : "",
         .calls = 1,
         .forward = {timing.forward, entry.flops, static_cast<double>(moved_bytes(entry))},
         .backward = {timing.backward, timing.replays * replay.flops,
                      timing.replays * replay.bytes},
         .saved_bytes = timing.saved_bytes});
  }
  return {merged(rows)};
}

// --- Profiles ---

double ProfileCost::share_of(const Ceilings& ceilings) const {
  const double compute = ceilings.gflops > 0 ? gflops() / ceilings.gflops : 0;
  const double memory = ceilings.gbytes > 0 ? gbytes() / ceilings.gbytes : 0;
  return std::max(compute, memory);
}

ProfileCost& ProfileCost::operator+=(const ProfileCost& other) {
  seconds += other.seconds;
  flops += other.flops;
  bytes += other.bytes;
  return *this;
}

ProfileRow& ProfileRow::operator+=(const ProfileRow& other) {
  calls += other.calls;
  forward += other.forward;
  backward += other.backward;
  saved_bytes += other.saved_bytes;
  return *this;
}

ProfileRow Profile::total() const {
  ProfileRow sum{.op = "total"};
  for (const ProfileRow& row : rows) sum += row;
  return sum;
}

Profile& Profile::operator+=(const Profile& other) {
  rows.insert(rows.end(), other.rows.begin(), other.rows.end());
  rows = merged(rows);
  return *this;
}

namespace {

using Cells = std::vector<std::string>;

/// Columns of one direction.
void append_cost(Cells& cells, const ProfileCost& cost, const Ceilings& ceilings) {
  const auto rate = [](double r) { return r > 0 ? fixed(r, 1) : ""; };
  const double share = cost.share_of(ceilings);
  cells.push_back(fixed(1e3 * cost.seconds, 3));
  cells.push_back(rate(cost.gflops()));
  cells.push_back(rate(cost.gbytes()));
  cells.push_back(share > 0 ? fixed(100 * share, 0) + " %" : "");
}

Cells cells_of(const ProfileRow& row, double seconds, const Ceilings& ceilings) {
  Cells cells = {row.op, row.module, str(row.calls)};
  append_cost(cells, row.forward, ceilings);
  append_cost(cells, row.backward, ceilings);
  cells.push_back(seconds > 0 ? fixed(100 * row.seconds() / seconds, 1) + " %" : "");
  cells.push_back(quantity(static_cast<double>(row.saved_bytes), "B"));
  return cells;
}

/// Removes columns that are empty in all rows.
void drop_empty_columns(std::vector<Cells>& table) {
  for (size_t c = table[0].size(); c-- > 0;) {
    const bool is_empty = std::all_of(table.begin() + 1, table.end(),
                                      [c](const Cells& cells) { return cells[c].empty(); });
    if (!is_empty) continue;
    for (Cells& cells : table) cells.erase(cells.begin() + static_cast<std::ptrdiff_t>(c));
  }
}

}  // namespace

std::string Profile::to_string(const Ceilings& ceilings) const {
  const ProfileRow sum = total();
  std::vector<Cells> table = {{"operation", "module", "calls", "forward ms", "GFLOP/s", "GB/s",
                               "of peak", "backward ms", "GFLOP/s", "GB/s", "of peak", "time",
                               "saved"}};
  for (const ProfileRow& row : rows) table.push_back(cells_of(row, sum.seconds(), ceilings));
  table.push_back(cells_of(sum, sum.seconds(), ceilings));
  drop_empty_columns(table);
  std::string alignment(table[0].size(), 'r');
  alignment[0] = 'l';
  if (table[0][1] == "module") alignment[1] = 'l';
  std::string text = aligned_table(table, alignment);
  if (ceilings.gflops > 0 && ceilings.gbytes > 0) {
    text += str("peak: ", fixed(ceilings.gflops, 0), " GFLOP/s, ", fixed(ceilings.gbytes, 0),
                " GB/s\n");
  }
  return text;
}

void Profile::print(std::ostream& out, const Ceilings& ceilings) const {
  out << to_string(ceilings);
}

std::ostream& operator<<(std::ostream& out, const Profile& profile) {
  profile.print(out);
  return out;
}

// --- Ceilings ---

namespace {

/// The shortest time of a call among calls that take `seconds` in total, after a warm-up call.
template <class F>
double best_seconds(double seconds, const F& f) {
  using std::chrono::steady_clock;
  f();
  const auto start = steady_clock::now();
  double best = 1e9;
  double spent = 0;
  while (spent < seconds) {
    const auto begin = steady_clock::now();
    f();
    const auto end = steady_clock::now();
    best = std::min(best, std::chrono::duration<double>(end - begin).count());
    spent = std::chrono::duration<double>(end - start).count();
  }
  return best;
}

}  // namespace

Ceilings measure_ceilings() {
  const NoGrad pause;
  constexpr double budget = 0.02;  // seconds for each
  constexpr int64_t n = 768;
  const Tensor a = ones({n, n}), b = ones({n, n});
  const double product = best_seconds(budget, [&] { return matmul(a, b); });

  const Tensor source = ones({int64_t{2} << 20});
  Tensor target = ones(source.shape());
  const auto* from = static_cast<const std::byte*>(source.raw_data());
  auto* to = static_cast<std::byte*>(target.raw_mutable_data());
  const double copy = best_seconds(budget, [&] {
    parallel_for(source.nbytes(), 1 << 17, [=](int64_t begin, int64_t end) {
      std::memcpy(to + begin, from + begin, static_cast<size_t>(end - begin));
    });
  });
  return {.gflops = 2e-9 * n * n * n / product,
          .gbytes = 2e-9 * static_cast<double>(source.nbytes()) / copy};
}

}  // namespace gradus
