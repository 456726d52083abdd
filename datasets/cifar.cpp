#include "cifar.h"

#include <algorithm>

#include "../core/ops.h"
#include "file.h"

namespace gradus::data {

namespace fs = std::filesystem;

namespace {

constexpr const char* op = "load_cifar";
constexpr size_t image_bytes = size_t{3} * 32 * 32;

void check_format(Format format) {
  if (format != Format::idx) return;
  throw ValueError(op, "the data set is not CIFAR", "use load_mnist for IDX files");
}

/// A label, checked; `record` counts from 0.
int64_t checked_label(std::byte byte, int64_t classes, size_t record, const std::string& name) {
  const auto label = std::to_integer<int64_t>(byte);
  if (label < classes) return label;
  throw IoError(op,
                str(name, ": a label of record ", record, " is ", label, ", but there are ",
                    classes, " classes"),
                "the file is damaged, or belongs to the other CIFAR");
}

fs::path find_file(const fs::path& folder, const KnownDataset& dataset, const std::string& name) {
  std::error_code error;
  for (const fs::path& place : {folder, folder / dataset.folder}) {
    if (fs::is_regular_file(place / name, error)) return place / name;
  }
  const fs::path unpickled = fs::path(name).stem();
  const bool python = fs::exists(folder / unpickled, error) ||
                      fs::exists(folder / "cifar-10-batches-py", error) ||
                      fs::exists(folder / "cifar-100-python", error);
  throw IoError(
      op,
      str("there is no file ", name, " in ", folder.string(), " or its folder ", dataset.folder,
          python ? "; what is there is the Python version, pickled" : ""),
      str("get the binary version, ", dataset.archive, ", and unpack it there: ", "tar -xzf"));
}

std::span<const KnownFile> files_of(const KnownDataset& dataset, Split split) {
  const std::span<const KnownFile> files = dataset.files;
  return split == Split::train ? files.first(files.size() - 1) : files.last(1);
}

Tensor joined(const std::vector<CifarData>& parts, Tensor CifarData::*member) {
  std::vector<Tensor> tensors(parts.size());
  std::transform(parts.begin(), parts.end(), tensors.begin(),
                 [member](const CifarData& part) { return part.*member; });
  return cat(tensors);
}

}  // namespace

CifarData parse_cifar(std::span<const std::byte> bytes, Format format, const std::string& name) {
  check_format(format);
  const bool hundred = format == Format::cifar100;
  const size_t label_bytes = hundred ? 2 : 1, record_bytes = label_bytes + image_bytes;
  if (bytes.empty() || bytes.size() % record_bytes != 0) {
    throw IoError(op,
                  str(name, " has ", bytes.size(), " bytes, which is no number of records of ",
                      record_bytes, " bytes"),
                  "the file is cut off, or not of the binary version; get it again");
  }
  const auto count = static_cast<int64_t>(bytes.size() / record_bytes);
  CifarData data{Tensor::empty({count, 3, 32, 32}, uint8), Tensor::empty({count}, int64),
                 hundred ? Tensor::empty({count}, int64) : Tensor()};
  auto* image = static_cast<std::byte*>(data.images.raw_mutable_data());
  int64_t* const labels = data.labels.mutable_data<int64_t>();
  int64_t* const coarse = hundred ? data.coarse_labels.mutable_data<int64_t>() : nullptr;
  for (size_t i = 0; i < static_cast<size_t>(count); ++i) {
    const auto record = bytes.subspan(i * record_bytes, record_bytes);
    if (hundred) coarse[i] = checked_label(record[0], 20, i, name);
    labels[i] = checked_label(record[label_bytes - 1], hundred ? 100 : 10, i, name);
    image = std::copy(record.begin() + static_cast<ptrdiff_t>(label_bytes), record.end(), image);
  }
  return data;
}

CifarData load_cifar(const fs::path& folder, Split split, const KnownDataset& dataset) {
  check_format(dataset.format);
  std::vector<CifarData> parts;
  for (const KnownFile& file : files_of(dataset, split)) {
    const fs::path path = find_file(folder, dataset, file.name);
    parts.push_back(parse_cifar(read_file(op, path), dataset.format, path.string()));
  }
  if (parts.size() == 1) return parts.front();
  return {joined(parts, &CifarData::images), joined(parts, &CifarData::labels),
          dataset.format == Format::cifar100 ? joined(parts, &CifarData::coarse_labels) : Tensor()};
}

TensorDataset as_dataset(const CifarData& data, const std::vector<Normalization>& normalization) {
  return {data.images, data.labels, normalization};
}

}  // namespace gradus::data
