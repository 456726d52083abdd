// Operations as member functions of Tensor.
#include "ops.h"

namespace gradus {

Tensor Tensor::to(DType dtype) const {
  return gradus::to(*this, dtype);
}
Tensor Tensor::clone() const {
  return gradus::clone(*this);
}
Tensor Tensor::contiguous() const {
  return gradus::contiguous(*this);
}
Tensor Tensor::reshape(const Shape& shape) const {
  return gradus::reshape(*this, shape);
}
Tensor Tensor::flatten(int64_t start, int64_t end) const {
  return gradus::flatten(*this, start, end);
}
Tensor Tensor::transpose(int64_t dim0, int64_t dim1) const {
  return gradus::transpose(*this, dim0, dim1);
}
Tensor Tensor::permute(const Shape& dims) const {
  return gradus::permute(*this, dims);
}
Tensor Tensor::expand(const Shape& shape) const {
  return gradus::expand(*this, shape);
}
Tensor Tensor::squeeze(std::optional<int64_t> dim) const {
  return gradus::squeeze(*this, dim);
}
Tensor Tensor::unsqueeze(int64_t dim) const {
  return gradus::unsqueeze(*this, dim);
}
Tensor Tensor::narrow(int64_t dim, int64_t start, int64_t length) const {
  return gradus::narrow(*this, dim, start, length);
}
Tensor Tensor::select(int64_t dim, int64_t index) const {
  return gradus::select(*this, dim, index);
}
Tensor Tensor::T() const {
  require<ShapeError>(
      dim() == 2, "T",
      "transpose(dim0, dim1) exchanges two dimensions, permute puts all in an order",
      "expected a matrix, got ", shape());
  return gradus::transpose(*this, 0, 1);
}
Tensor Tensor::sum(const Shape& dims, bool keepdim) const {
  return gradus::sum(*this, dims, keepdim);
}
Tensor Tensor::mean(const Shape& dims, bool keepdim) const {
  return gradus::mean(*this, dims, keepdim);
}
Tensor Tensor::argmax(std::optional<int64_t> dim, bool keepdim) const {
  return gradus::argmax(*this, dim, keepdim);
}

}  // namespace gradus
