#include "dataset.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <numeric>
#include <string_view>
#include <utility>

#include "../core/ops.h"

namespace gradus::data {

namespace {

void check_index(const char* op, int64_t index, int64_t size) {
  if (index < 0 || index >= size) {
    throw IndexError(op, str("there is no sample ", index, " in a data set of ", size),
                     "samples are numbered from 0");
  }
}

DatasetPtr check_given(const char* op, DatasetPtr dataset) {
  if (dataset == nullptr) {
    throw ValueError(op, "the data set is a null pointer", "make it with std::make_shared");
  }
  return dataset;
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
  const size_t bytes = static_cast<size_t>(row_size(source)) * size_of(source.dtype());
  const auto* from = static_cast<const std::byte*>(source.raw_data());
  auto* to = static_cast<std::byte*>(rows.raw_mutable_data());
  if (bytes == 0) return rows;
  for (const int64_t index : indices) {
    std::memcpy(to, from + static_cast<size_t>(index) * bytes, bytes);
    to += bytes;
  }
  return rows;
}

/// `float_of_byte` has 256 entries for each channel; with one channel they serve the whole row.
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

/// The only sample of a batch of one, without the batch's dimension.
Sample only_sample(const Batch& batch) {
  return {batch.x.select(0, 0), batch.y.select(0, 0)};
}

}  // namespace

Batch Dataset::gather(std::span<const int64_t> indices) const {
  if (indices.empty()) {
    throw ValueError("gather", "a batch needs at least one sample",
                     "give the numbers of some samples");
  }
  std::vector<Tensor> xs, ys;
  for (const int64_t index : indices) {
    Sample sample = get(index);
    xs.push_back(std::move(sample.x));
    ys.push_back(std::move(sample.y));
  }
  return {stack(xs), stack(ys)};
}

Tensor Dataset::targets() const {
  constexpr int64_t piece = 1000;
  std::vector<Tensor> pieces;
  for (int64_t begin = 0; begin < size(); begin += piece) {
    std::vector<int64_t> indices(static_cast<size_t>(std::min(piece, size() - begin)));
    std::iota(indices.begin(), indices.end(), begin);
    pieces.push_back(gather(indices).y);
  }
  return pieces.empty() ? zeros({0}, int64) : cat(pieces);
}

void check_normalization(const char* op, const Normalization& n) {
  if (!(n.std > 0)) {
    throw ValueError(op, str("std must be positive, got ", n.std),
                     "it is what the elements are divided by");
  }
  if (std::isfinite(n.mean) && std::isfinite(n.std)) return;
  throw ValueError(op, str("mean and std must be finite, got mean ", n.mean, ", std ", n.std),
                   "statistics() gives those of a data set");
}

Tensor checked_targets(const char* op, const Dataset& dataset) {
  const Tensor targets = dataset.targets().detach();
  if (targets.dim() >= 1 && targets.size(0) == dataset.size()) return targets.contiguous();
  throw ShapeError(
      op, str("the data set has ", dataset.size(), " samples, its targets() are ", targets.shape()),
      "targets() gives one row per sample, in their order");
}

// --- TensorDataset -------------------------------------------------------------------------------

TensorDataset::TensorDataset(const Tensor& x, const Tensor& y) {
  if (x.dim() < 1 || y.dim() < 1 || x.shape()[0] != y.shape()[0]) {
    throw ShapeError("tensor_dataset",
                     str("inputs and targets differ in length: x ", x.shape(), ", y ", y.shape()),
                     "row i of x belongs to row i of y");
  }
  x_ = x.contiguous().detach();
  y_ = y.contiguous().detach();
}

TensorDataset::TensorDataset(const Tensor& x, const Tensor& y,
                             const std::vector<Normalization>& normalization)
    : TensorDataset(x, y) {
  if (x.dtype() != uint8) {
    throw DTypeError("tensor_dataset", str("only uint8 is normalized, got ", name_of(x.dtype())),
                     "leave the normalization out, or give the images as bytes");
  }
  const auto channels = static_cast<int64_t>(normalization.size());
  if (channels != 1 && (x.dim() < 2 || x.size(1) != channels)) {
    throw ShapeError("tensor_dataset",
                     str("there are ", channels, " normalizations for x ", x.shape()),
                     "give one for all channels, or one for each: dimension 1 are the channels");
  }
  for (const Normalization& channel : normalization) {
    check_normalization("tensor_dataset", channel);
    for (int byte = 0; byte < 256; ++byte) {
      float_of_byte_.push_back(static_cast<float>((byte / 255.0 - channel.mean) / channel.std));
    }
  }
}

Sample TensorDataset::get(int64_t index) const {
  return only_sample(gather({&index, 1}));
}

Batch TensorDataset::gather(std::span<const int64_t> indices) const {
  for (const int64_t index : indices) check_index("tensor_dataset", index, size());
  Tensor x = float_of_byte_.empty() ? gather_rows(x_, indices)
                                    : gather_bytes_as_floats(x_, indices, float_of_byte_);
  return {std::move(x), gather_rows(y_, indices)};
}

// --- Subset --------------------------------------------------------------------------------------

Subset::Subset(DatasetPtr dataset, std::vector<int64_t> indices)
    : dataset_(check_given("subset", std::move(dataset))), indices_(std::move(indices)) {
  for (const int64_t index : indices_) check_index("subset", index, dataset_->size());
}

Subset::Subset(DatasetPtr dataset, int64_t begin, int64_t end)
    : dataset_(check_given("subset", std::move(dataset))) {
  if (begin < 0 || begin > end || end > dataset_->size()) {
    throw IndexError(
        "subset", str("[", begin, ", ", end, ") is no range of a data set of ", dataset_->size()),
        str("numbers go from 0 to ", dataset_->size()));
  }
  for (int64_t index = begin; index < end; ++index) indices_.push_back(index);
}

Sample Subset::get(int64_t index) const {
  check_index("subset", index, size());
  return dataset_->get(indices_[static_cast<size_t>(index)]);
}

Batch Subset::gather(std::span<const int64_t> indices) const {
  std::vector<int64_t> inner;
  inner.reserve(indices.size());
  for (const int64_t index : indices) {
    check_index("subset", index, size());
    inner.push_back(indices_[static_cast<size_t>(index)]);
  }
  return dataset_->gather(inner);
}

Tensor Subset::targets() const {
  return gather_rows(checked_targets("subset", *dataset_), indices_);
}

// --- Concat --------------------------------------------------------------------------------------

Concat::Concat(std::vector<DatasetPtr> datasets) : datasets_(std::move(datasets)) {
  if (datasets_.empty()) {
    throw ValueError("concat", "there is no data set to concatenate", "give at least one");
  }
  int64_t end = 0;
  for (const DatasetPtr& dataset : datasets_) {
    ends_.push_back(end += check_given("concat", dataset)->size());
  }
}

size_t Concat::part_of(int64_t index) const {
  check_index("concat", index, size());
  return static_cast<size_t>(std::upper_bound(ends_.begin(), ends_.end(), index) - ends_.begin());
}

Sample Concat::get(int64_t index) const {
  const size_t k = part_of(index);
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
    : dataset_(check_given("mapped", std::move(dataset))), function_(std::move(function)) {
  if (!function_) {
    throw ValueError("mapped", "the function is empty", "give a function from sample to sample");
  }
}

Sample Mapped::get(int64_t index) const {
  return only_sample(gather({&index, 1}));
}

Batch Mapped::gather(std::span<const int64_t> indices) const {
  return function_(dataset_->gather(indices), indices);
}

}  // namespace gradus::data
