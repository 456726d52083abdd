// Event files: what TensorBoard shows.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "../core/tensor.h"

namespace gradus::training {

/// Options of an EventWriter.
struct EventWriterOptions {
  /// For a resumed run, the number of its first event: TensorBoard then drops events of this step
  /// and later from earlier files in the folder, so that nothing is doubled.
  std::optional<int64_t> purge_step = {};
  /// Seconds since 1970, with fractions, for the times of events; if empty, the system's clock.
  std::function<double()> clock = {};
};

/// Writes scalars, images, histograms and texts to a new file in a folder, which TensorBoard shows
/// as one run:
///
///     training::EventWriter writer("runs/first");
///     writer.add_scalar("loss/train", loss.item(), step);
///     writer.flush();
///
/// Names and meanings are those of PyTorch's SummaryWriter. Events are kept in memory until flush()
/// writes them. A file is never changed except at its end, and an existing one not at all: what was
/// flushed stays readable whenever the program is killed.
///
/// A program that resumes from checkpoints flushes right before it saves one, numbers events by the
/// steps done, and passes `.purge_step = n + 1` if it resumes after step n. Then no event from
/// before the checkpoint is missing, and none is shown twice. Purging is a note in the new file,
/// which TensorBoard follows; earlier files are not touched, and other readers find in them what
/// was flushed after the checkpoint. A program that flushes only before checkpoints leaves them
/// little.
///
/// TensorBoard expects that the steps of a tag do not go down, and reads the files of a folder in
/// the order of their names, leaving each for good once there is a later one. A new file is given
/// the last name; only one writer at a time should write to a folder. Not for use by several
/// threads at once.
///
/// Functions named add_ throw ValueError for a tag or text that is not valid UTF-8 and for an empty
/// tag, before anything is changed. Tags with '/' are grouped by what is before it.
///
/// The format is a sequence of TFRecords (length, its checksum, data, its checksum), each the
/// protocol buffer `Event` of event.proto and summary.proto in TensorBoard's compat/proto.
class EventWriter {
 public:
  /// Creates the file `events.out.tfevents.SECONDS.HOST.PROCESS.N`, and its folder if it is
  /// missing. Throws IoError if that fails.
  explicit EventWriter(const std::filesystem::path& folder, EventWriterOptions options = {});
  /// Calls flush(); if it fails, writes a warning.
  ~EventWriter();
  EventWriter(const EventWriter&) = delete;
  EventWriter& operator=(const EventWriter&) = delete;

  /// A number, which may be NaN or infinite. Event files hold it as float32.
  void add_scalar(std::string_view tag, double value, int64_t step);
  /// An image, [H, W] or [C, H, W] with 1 channel (gray) or 3 (red, green, blue): uint8 from 0 to
  /// 255, or floating point from 0 to 1. What is below or NaN becomes 0, and what is above 1.
  /// Throws ShapeError or DTypeError for others.
  void add_image(std::string_view tag, const Tensor& image, int64_t step);
  /// How often values occur in a tensor of any shape and type, in `bins` intervals of equal length
  /// from the smallest to the largest; in a single one if all are equal. Throws ValueError if one
  /// is NaN or infinite, or for less than one interval, and ShapeError if there are no elements.
  void add_histogram(std::string_view tag, const Tensor& values, int64_t step, int64_t bins = 64);
  /// A text, which TensorBoard formats as Markdown.
  void add_text(std::string_view tag, std::string_view text, int64_t step);

  /// Writes all events since the last call to the disk, so that they survive a power failure.
  /// Throws IoError if the disk is full or the file has been deleted: all previous events are still
  /// readable, and the next call tries again to write those since.
  void flush();

  /// The file.
  const std::filesystem::path& path() const { return path_; }

 private:
  void add_record(std::string_view event);
  void add_value(int64_t step, std::string_view value);
  double now() const;
  void check(bool done, const char* what) const;

  std::function<double()> clock_;
  std::filesystem::path path_;
  int file_ = -1;
  uint64_t size_ = 0;   // of what has been flushed
  std::string buffer_;  // whole records that have not been
};

}  // namespace gradus::training
