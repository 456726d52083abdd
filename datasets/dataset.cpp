#include "dataset.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "../core/io/elements.h"
#include "../core/ops.h"

namespace gradus::data {

namespace {

int64_t checked_index(const char* op, int64_t index, int64_t size) {
  require<IndexError>(index >= 0 && index < size, op, "samples are numbered from 0",
                      "there is no sample ", index, " in a data set of ", size);
  return index;
}

int64_t row_size(const Tensor& tensor) {
  return tensor.shape().part(1, tensor.dim()).numel();
}

Tensor empty_rows(const Tensor& like, size_t count, DType dtype) {
  Shape shape = like.shape();
  shape[0] = static_cast<int64_t>(count);
  return Tensor::empty(shape, dtype);
}

Tensor gather_rows(const Tensor& source, std::span<const int64_t> indices) {
  Tensor rows = empty_rows(source, indices.size(), source.dtype());
  const size_t row_bytes = static_cast<size_t>(row_size(source)) * size_of(source.dtype());
  const auto from = bytes_of(source);
  auto to = mutable_bytes_of(rows).begin();
  for (const int64_t index : indices) {
    to = std::ranges::copy(from.subspan(static_cast<size_t>(index) * row_bytes, row_bytes), to).out;
  }
  return rows;
}

/// `float_of_byte` has 256 entries for each channel; with one channel they are used for the whole
/// row.
Tensor gather_bytes_as_floats(const Tensor& source, std::span<const int64_t> indices,
                              std::span<const float> float_of_byte) {
  Tensor rows = empty_rows(source, indices.size(), float32);
  const auto channels = static_cast<int64_t>(float_of_byte.size() / 256);
  const int64_t size = row_size(source), plane = size / channels;
  const uint8_t* from = source.data<uint8_t>();
  float* to = rows.mutable_data<float>();
  for (const int64_t index : indices) {
    const uint8_t* row = from + index * size;
    for (int64_t channel = 0; channel < channels; ++channel, row += plane) {
      const float* const table = float_of_byte.data() + 256 * channel;
      to = std::transform(row, row + plane, to, [table](uint8_t byte) { return table[byte]; });
    }
  }
  return rows;
}

}  // namespace

Sample only_sample(const Batch& batch) {
  return {batch.x.select(0, 0), batch.y.select(0, 0)};
}

Batch Dataset::gather(std::span<const int64_t> indices) const {
  require(!indices.empty(), "gather", "give the numbers of some samples",
          "a batch needs at least one sample");
  std::vector<Tensor> xs, ys;
  for (const int64_t index : indices) {
    Sample sample = get(index);
    xs.push_back(std::move(sample.x));
    ys.push_back(std::move(sample.y));
  }
  return {stack(xs), stack(ys)};
}

Tensor Dataset::targets() const {
  std::vector<Tensor> pieces;
  in_pieces(*this, [&](const Batch& batch) { pieces.push_back(batch.y); });
  return pieces.empty() ? zeros({0}, int64) : cat(pieces);
}

std::vector<int64_t> count_from(int64_t begin, int64_t end) {
  std::vector<int64_t> numbers(static_cast<size_t>(end - begin));
  std::iota(numbers.begin(), numbers.end(), begin);
  return numbers;
}

void in_pieces(const Dataset& dataset, const std::function<void(const Batch&)>& use) {
  constexpr int64_t piece = 1000;
  const int64_t size = dataset.size();
  for (int64_t begin = 0; begin < size; begin += piece) {
    use(dataset.gather(count_from(begin, std::min(begin + piece, size))));
  }
}

DatasetPtr checked_dataset(const char* op, DatasetPtr dataset) {
  require(dataset != nullptr, op, "make it with std::make_shared",
          "the data set is a null pointer");
  return dataset;
}

void check_normalization(const char* op, const Normalization& n) {
  require(n.std > 0, op, "it is what the elements are divided by", "std must be positive, got ",
          n.std);
  require(std::isfinite(n.mean) && std::isfinite(n.std), op,
          "statistics() gives those of a data set", "mean and std must be finite, got mean ",
          n.mean, ", std ", n.std);
}

Tensor checked_targets(const char* op, const Dataset& dataset) {
  const Tensor targets = dataset.targets().detach();
  require<ShapeError>(targets.dim() >= 1 && targets.size(0) == dataset.size(), op,
                      "targets() gives one row per sample, in their order", "the data set has ",
                      dataset.size(), " samples, its targets() are ", targets.shape());
  return targets.contiguous();
}

// --- TensorDataset -------------------------------------------------------------------------------

TensorDataset::TensorDataset(const Tensor& x, const Tensor& y) {
  require<ShapeError>(x.dim() >= 1 && y.dim() >= 1 && x.shape()[0] == y.shape()[0],
                      "tensor_dataset", "row i of x belongs to row i of y",
                      "inputs and targets differ in length: x ", x.shape(), ", y ", y.shape());
  x_ = x.contiguous().detach();
  y_ = y.contiguous().detach();
}

TensorDataset::TensorDataset(const Tensor& x, const Tensor& y,
                             const std::vector<Normalization>& normalization)
    : TensorDataset(x, y) {
  require<DTypeError>(x.dtype() == uint8, "tensor_dataset",
                      "leave the normalization out, or give the images as bytes",
                      "only uint8 is normalized, got ", x.dtype());
  const auto channels = static_cast<int64_t>(normalization.size());
  require<ShapeError>(channels == 1 || (x.dim() >= 2 && x.size(1) == channels), "tensor_dataset",
                      "give one for all channels, or one for each: dimension 1 are the channels",
                      "there are ", channels, " normalizations for x ", x.shape());
  for (const Normalization& channel : normalization) {
    check_normalization("tensor_dataset", channel);
    for (int byte = 0; byte < 256; ++byte) {
      float_of_byte_.push_back(static_cast<float>((byte / 255.0 - channel.mean) / channel.std));
    }
  }
}

Batch TensorDataset::gather(std::span<const int64_t> indices) const {
  for (const int64_t index : indices) checked_index("tensor_dataset", index, size());
  Tensor x = float_of_byte_.empty() ? gather_rows(x_, indices)
                                    : gather_bytes_as_floats(x_, indices, float_of_byte_);
  return {std::move(x), gather_rows(y_, indices)};
}

// --- Subset --------------------------------------------------------------------------------------

Subset::Subset(DatasetPtr dataset, std::vector<int64_t> indices)
    : dataset_(checked_dataset("subset", std::move(dataset))), indices_(std::move(indices)) {
  for (const int64_t index : indices_) checked_index("subset", index, dataset_->size());
}

Subset::Subset(DatasetPtr dataset, int64_t begin, int64_t end)
    : dataset_(checked_dataset("subset", std::move(dataset))) {
  const int64_t size = dataset_->size();
  require<IndexError>(begin >= 0 && begin <= end && end <= size, "subset",
                      str("numbers go from 0 to ", size), "[", begin, ", ", end,
                      ") is no range of a data set of ", size);
  indices_ = count_from(begin, end);
}

Sample Subset::get(int64_t index) const {
  return dataset_->get(indices_[static_cast<size_t>(checked_index("subset", index, size()))]);
}

Batch Subset::gather(std::span<const int64_t> indices) const {
  std::vector<int64_t> inner;
  inner.reserve(indices.size());
  for (const int64_t index : indices) {
    inner.push_back(indices_[static_cast<size_t>(checked_index("subset", index, size()))]);
  }
  return dataset_->gather(inner);
}

Tensor Subset::targets() const {
  return gather_rows(checked_targets("subset", *dataset_), indices_);
}

// --- Concat --------------------------------------------------------------------------------------

Concat::Concat(std::vector<DatasetPtr> datasets) : datasets_(std::move(datasets)) {
  require(!datasets_.empty(), "concat", "give at least one", "there is no data set to concatenate");
  int64_t end = 0;
  for (const DatasetPtr& dataset : datasets_) {
    ends_.push_back(end += checked_dataset("concat", dataset)->size());
  }
}

Sample Concat::get(int64_t index) const {
  checked_index("concat", index, size());
  const auto k = static_cast<size_t>(std::ranges::upper_bound(ends_, index) - ends_.begin());
  return datasets_[k]->get(k == 0 ? index : index - ends_[k - 1]);
}

Tensor Concat::targets() const {
  std::vector<Tensor> parts;
  for (const DatasetPtr& dataset : datasets_) {
    if (dataset->size() > 0) parts.push_back(checked_targets("concat", *dataset));
  }
  return parts.empty() ? zeros({0}, int64) : cat(parts);
}

// --- Mapped --------------------------------------------------------------------------------------

Mapped::Mapped(DatasetPtr dataset, Function function)
    : dataset_(checked_dataset("mapped", std::move(dataset))), function_(std::move(function)) {
  require(function_ != nullptr, "mapped", "give a function from sample to sample",
          "the function is empty");
}

Batch Mapped::gather(std::span<const int64_t> indices) const {
  return function_(dataset_->gather(indices), indices);
}

}  // namespace gradus::data
