#include "cifar.h"

#include <algorithm>

#include "../core/io/elements.h"
#include "../core/io/input_file.h"
#include "../core/ops.h"

namespace gradus::data {

namespace fs = std::filesystem;

namespace {

constexpr const char* cifar_op = "load_cifar";
constexpr int64_t image_bytes = int64_t{3} * 32 * 32;

void check_format(Format format) {
  require(format != Format::idx, cifar_op, "use load_mnist for IDX files",
          "the data set is not CIFAR");
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
      cifar_op,
      str("there is no file ", name, " in ", folder.string(), " or its folder ", dataset.folder,
          python ? "; what is there is the Python version, pickled" : ""),
      str("get the binary version, ", dataset.archive, ", and unpack it there: tar -xzf"));
}

}  // namespace

CifarData parse_cifar(std::span<const std::byte> bytes, Format format, const std::string& name) {
  check_format(format);
  const bool hundred = format == Format::cifar100;
  const int64_t label_bytes = hundred ? 2 : 1, record_bytes = label_bytes + image_bytes;
  const auto size = static_cast<int64_t>(bytes.size()), count = size / record_bytes;
  require<IoError>(size > 0 && size % record_bytes == 0, cifar_op,
                   "the file is cut off, or not of the binary version; get it again", name, " has ",
                   size, " bytes, which is no number of records of ", record_bytes, " bytes");
  Tensor records = Tensor::empty({count, record_bytes}, uint8);
  std::ranges::copy(bytes, mutable_bytes_of(records).begin());
  const auto labels = [&](int64_t column, int64_t classes) {
    Tensor all = records.select(1, column).to(int64);
    for (int64_t i = 0; i < count; ++i) {
      const int64_t label = all.data<int64_t>()[i];
      require<IoError>(
          label < classes, cifar_op, "the file is damaged, or belongs to the other CIFAR", name,
          ": a label of record ", i, " is ", label, ", but there are ", classes, " classes");
    }
    return all;
  };
  const Tensor images = records.narrow(1, label_bytes, image_bytes).contiguous();
  return {images.reshape({count, 3, 32, 32}), labels(label_bytes - 1, hundred ? 100 : 10),
          hundred ? labels(0, 20) : Tensor()};
}

CifarData load_cifar(const fs::path& folder, Split split, const KnownDataset& dataset) {
  check_format(dataset.format);
  const std::span<const KnownFile> all = dataset.files;  // the last one is the test file
  std::vector<Tensor> images, labels, coarse;
  for (const KnownFile& file : split == Split::test ? all.last(1) : all.first(all.size() - 1)) {
    const fs::path path = find_file(folder, dataset, file.name);
    const CifarData part = parse_cifar(read_file(cifar_op, path), dataset.format, path.string());
    images.push_back(part.images);
    labels.push_back(part.labels);
    if (part.coarse_labels.defined()) coarse.push_back(part.coarse_labels);
  }
  return {cat(images), cat(labels), coarse.empty() ? Tensor() : cat(coarse)};
}

TensorDataset as_dataset(const CifarData& data, const std::vector<Normalization>& normalization) {
  return {data.images, data.labels, normalization};
}

}  // namespace gradus::data
