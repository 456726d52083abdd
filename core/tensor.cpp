#include "tensor.h"

#include <atomic>
#include <cmath>
#include <functional>

#include "base/allocator.h"
#include "base/error.h"
#include "tape.h"

namespace gradus {

namespace {
std::atomic<int64_t> tensors_alive = 0;
std::atomic<int64_t> bytes_alive = 0;
}  // namespace

int64_t live_tensors() {
  return tensors_alive.load(std::memory_order_relaxed);
}
int64_t live_bytes() {
  return bytes_alive.load(std::memory_order_relaxed);
}

// --- Storage ---

Storage::Storage(size_t bytes) : data_(allocate(bytes)), bytes_(bytes) {
  bytes_alive.fetch_add(static_cast<int64_t>(bytes), std::memory_order_relaxed);
}

Storage::~Storage() {
  bytes_alive.fetch_sub(static_cast<int64_t>(bytes_), std::memory_order_relaxed);
  deallocate(data_, bytes_);
}

std::shared_ptr<Storage> Storage::create(size_t bytes) {
  return std::allocate_shared<Storage>(PoolAllocator<Storage>(), bytes);
}

// --- Tensor ---

struct detail::TensorImpl {
  struct Name {
    std::string text;
    bool in_module;
  };

  TensorImpl(const Shape& s, const Strides& st, DType d, std::shared_ptr<Storage> memory, int64_t o)
      : shape(s), strides(st), storage(std::move(memory)), offset(o), numel(s.numel()), dtype(d) {
    tensors_alive.fetch_add(1, std::memory_order_relaxed);
  }
  ~TensorImpl() { tensors_alive.fetch_sub(1, std::memory_order_relaxed); }
  TensorImpl(const TensorImpl&) = delete;
  TensorImpl& operator=(const TensorImpl&) = delete;

  Shape shape;
  Strides strides;
  std::shared_ptr<Storage> storage;
  int64_t offset;  // of the first element, in elements
  int64_t numel;
  DType dtype;
  bool requires_grad = false;
  Tensor grad;
  TapeSlot slot;
  std::unique_ptr<const Name> name;  // null: none, which costs nothing
};

using detail::TensorImpl;

namespace {
template <class... Args>
std::shared_ptr<TensorImpl> make_impl(Args&&... args) {
  return std::allocate_shared<TensorImpl>(PoolAllocator<TensorImpl>(), std::forward<Args>(args)...);
}
}  // namespace

TensorImpl& Tensor::impl() const {
  require(impl_ != nullptr, "tensor",
          "a default-constructed Tensor has no data; a .grad() is undefined until "
          "backward has run",
          "an undefined tensor was used");
  return *impl_;
}

void Tensor::check_dtype(const char* op, DType expected) const {
  if (dtype() == expected) return;
  throw DTypeError(op,
                   str("expected ", with_article(expected), " tensor, got ", dtype(), " ", shape()),
                   "convert it with .to(dtype)");
}

Tensor Tensor::empty(const Shape& shape, DType dtype) {
  for (int64_t size : shape) {
    require<ShapeError>(size >= 0, "empty", "sizes are counts", "negative size in ", shape);
  }
  const int64_t numel = shape.numel();
  require<ShapeError>(numel <= (int64_t{1} << 46) / static_cast<int64_t>(size_of(dtype)), "empty",
                      "a size is wrong", "a tensor of shape ", shape, " is larger than any memory");
  auto storage = Storage::create(static_cast<size_t>(numel) * size_of(dtype));
  return Tensor(make_impl(shape, shape.row_major_strides(), dtype, std::move(storage), 0));
}

const Shape& Tensor::shape() const& {
  return impl().shape;
}
const Strides& Tensor::strides() const& {
  return impl().strides;
}
DType Tensor::dtype() const {
  return impl().dtype;
}
int64_t Tensor::numel() const {
  return impl().numel;
}
int64_t Tensor::nbytes() const {
  return numel() * static_cast<int64_t>(size_of(dtype()));
}

int64_t Tensor::size(int64_t dim) const {
  const int d = normalize_dim("size", dim, shape());
  return d < this->dim() ? shape()[d] : 1;
}

bool Tensor::is_contiguous() const {
  const TensorImpl& t = impl();
  if (t.numel == 0) return true;  // strides do not matter; and the others' product may overflow
  int64_t expected = 1;
  for (int i = t.shape.dim() - 1; i >= 0; --i) {
    if (t.shape[i] != 1 && t.strides[i] != expected) return false;
    expected *= t.shape[i];
  }
  return true;
}

const void* Tensor::raw_data() const {
  const TensorImpl& t = impl();
  return static_cast<const std::byte*>(t.storage->data()) +
         t.offset * static_cast<int64_t>(size_of(t.dtype));
}

void* Tensor::raw_mutable_data() {
  TensorImpl& t = impl();
  t.storage->bump_version();
  return static_cast<std::byte*>(t.storage->data()) +
         t.offset * static_cast<int64_t>(size_of(t.dtype));
}

double Tensor::item() const {
  require<ShapeError>(numel() == 1, "item",
                      "reduce it first, or read all elements with to_vector()",
                      "expected a tensor with one element, got ", shape());
  return dispatch_all("item", dtype(), [&]<class T>() { return static_cast<double>(*data<T>()); });
}

int64_t Tensor::whole_item(int64_t least, int64_t largest) const {
  const auto refuse = [&](auto value) {
    throw ValueError("item", str(value, " is not a whole number from ", least, " to ", largest),
                     "ask for item<double>(), or round it first");
  };
  if (numel() == 1 && !is_floating(dtype())) {
    const int64_t value =
        dispatch_all("item", dtype(), [&]<class T>() { return static_cast<int64_t>(*data<T>()); });
    if (value < least || value > largest) refuse(value);
    return value;
  }
  const double value = item();
  // largest + 1 is a power of two, even after rounding.
  if (!(value >= static_cast<double>(least) && value < static_cast<double>(largest) + 1) ||
      value != std::floor(value)) {
    refuse(value);
  }
  return static_cast<int64_t>(value);
}

template <class T>
std::vector<T> Tensor::to_vector() const {
  check_dtype("to_vector", dtype_v<T>);
  const Tensor dense = detach().contiguous();
  const T* first = dense.data<T>();
  return std::vector<T>(first, first + dense.numel());
}
template std::vector<float> Tensor::to_vector() const;
template std::vector<double> Tensor::to_vector() const;
template std::vector<int64_t> Tensor::to_vector() const;
template std::vector<int32_t> Tensor::to_vector() const;
template std::vector<uint8_t> Tensor::to_vector() const;
template std::vector<bool> Tensor::to_vector() const;

Tensor Tensor::set_name(std::string name) {
  TensorImpl& t = impl();
  if (t.slot.tape != 0) Tape::set_result_name(t.slot, name);
  t.name = name.empty()
               ? nullptr
               : std::make_unique<const TensorImpl::Name>(TensorImpl::Name{std::move(name), false});
  return *this;
}

Tensor Tensor::set_name_in_module(std::string name) {
  impl().name = std::make_unique<const TensorImpl::Name>(TensorImpl::Name{std::move(name), true});
  return *this;
}

std::string Tensor::name() const {
  const auto& name = impl().name;
  return name == nullptr ? "" : name->text;
}

bool Tensor::has_name() const {
  return impl().name != nullptr;
}

bool Tensor::is_named_in_module() const {
  const auto& name = impl().name;
  return name != nullptr && name->in_module;
}

int64_t Tensor::few_elements(double* place, int64_t most) const {
  const TensorImpl& t = impl();
  if (t.numel > most) return -1;
  detail::dispatch<float, double, int64_t, int32_t, uint8_t, bool>(t.dtype, [&]<class T>() {
    const T* const first = static_cast<const T*>(t.storage->data()) + t.offset;
    for (int64_t i = 0; i < t.numel; ++i) {
      int64_t offset = 0;
      for (int64_t d = t.shape.dim(), rest = i; d-- > 0 && rest > 0;) {
        const int64_t size = t.shape[static_cast<int>(d)];
        offset += rest % size * t.strides[static_cast<int>(d)];
        rest /= size;
      }
      place[i] = static_cast<double>(first[offset]);
    }
  });
  return t.numel;
}

uint32_t Tensor::version() const {
  return impl().storage->version();
}

bool Tensor::requires_grad() const {
  return impl().requires_grad || impl().slot.tape != 0;
}

Tensor Tensor::requires_grad_(bool on) {
  TensorImpl& t = impl();
  if (on && !is_floating(t.dtype)) {
    throw DTypeError("requires_grad_", str(with_article(t.dtype), " tensor has no gradient"),
                     "only float32 and float64 tensors do");
  }
  require<TapeError>(t.slot.tape == 0, "requires_grad_",
                     "it has a gradient already, as a step between leaves and loss: grad(y, {x}) "
                     "gives it. x.detach().requires_grad_() is a new leaf with the same elements, "
                     "on which what came before no longer depends",
                     "this tensor ", t.shape, " was computed by a tape");
  t.requires_grad = on;
  return *this;
}

Tensor Tensor::grad() const {
  return impl().grad;
}

namespace {

/// `tensor` if nobody else can reach its memory and it is contiguous, else a copy.
Tensor owned(Tensor tensor) {
  return tensor.is_unshared() && tensor.is_contiguous() ? std::move(tensor) : tensor.clone();
}

}  // namespace

void Tensor::set_grad(Tensor grad) {
  TensorImpl& t = impl();
  if (!grad.defined()) {
    t.grad = {};
    return;
  }
  require<ShapeError>(grad.shape() == t.shape && grad.dtype() == t.dtype, "set_grad",
                      "a gradient has type and shape of its tensor", "gradient is ", grad.dtype(),
                      " ", grad.shape(), ", tensor is ", t.dtype, " ", t.shape);
  t.grad = owned(std::move(grad));
}

void Tensor::set_data(Tensor data) {
  TensorImpl& t = impl();
  check_in_place("set_data", *this);
  require<TapeError>(t.slot.tape == 0, "set_data", "detach() it first", "this tensor ", t.shape,
                     " was computed by a tape");
  require<DTypeError>(!t.requires_grad || is_floating(data.dtype()), "set_data",
                      "only float32 and float64 tensors do", "a ", data.dtype(),
                      " tensor has no gradient, this tensor ", t.shape, " asks for one");
  const Tensor own = owned(std::move(data));
  TensorImpl& from = own.impl();
  from.storage->set_version(t.storage->version() + 1);
  t.shape = from.shape;
  t.strides = from.strides;
  t.storage = from.storage;
  t.offset = from.offset;
  t.numel = from.numel;
  t.dtype = from.dtype;
}

Tensor Tensor::detach() const {
  const TensorImpl& t = impl();
  return Tensor(make_impl(t.shape, t.strides, t.dtype, t.storage, t.offset));
}

Tensor Tensor::view(const Shape& shape, const Strides& strides, int64_t offset) const {
  const TensorImpl& t = impl();
  return Tensor(make_impl(shape, strides, t.dtype, t.storage, t.offset + offset));
}

bool Tensor::is_unshared(long handles) const {
  return impl_.use_count() == handles && impl_->storage.use_count() == 1;
}

bool Tensor::is_non_overlapping() const {
  if (is_contiguous()) return true;
  // From the shortest stride on, each must exceed the range covered by the dimensions before it.
  const TensorImpl& t = impl();
  std::vector<std::pair<int64_t, int64_t>> dims;  // stride, size
  for (int d = 0; d < t.shape.dim(); ++d) {
    if (t.shape[d] > 1) dims.emplace_back(std::abs(t.strides[d]), t.shape[d]);
  }
  std::sort(dims.begin(), dims.end());
  int64_t covered = 0;
  for (const auto& [stride, size] : dims) {
    if (stride <= covered) return false;
    covered += stride * (size - 1);
  }
  return true;
}

bool Tensor::overlaps(const Tensor& other) const {
  if (numel() == 0 || other.numel() == 0) return false;
  const auto bytes_of = [](const Tensor& x) {
    const auto size = static_cast<int64_t>(size_of(x.dtype()));
    int64_t first = 0, last = 0;
    for (int d = 0; d < x.dim(); ++d) {
      const int64_t reach = (x.shape()[d] - 1) * x.strides()[d];
      (reach < 0 ? first : last) += reach;
    }
    const auto* const start = static_cast<const std::byte*>(x.raw_data());
    return std::pair(start + first * size, start + (last + 1) * size);
  };
  const auto mine = bytes_of(*this), others = bytes_of(other);
  return std::less<>()(mine.first, others.second) && std::less<>()(others.first, mine.second);
}

const detail::TapeSlot& Tensor::tape_slot() const {
  return impl().slot;
}
void Tensor::set_tape_slot(const detail::TapeSlot& slot) {
  impl().slot = slot;
}

}  // namespace gradus
