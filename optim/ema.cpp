#include "ema.h"

#include <algorithm>
#include <unordered_set>

#include "../core/io/state_loader.h"
#include "../core/op_support.h"
#include "apply.h"
#include "option_range.h"

namespace gradus {

void average_update_(Tensor& average, const Tensor& value, double share) {
  const char* const op = "average_update_";
  ops::check_floating(op, average);
  check_in_place(op, average);
  ops::check_same_dtype(op, average, value);
  require<ShapeError>(value.shape() == average.shape(), op, "both have one shape", "value is ",
                      value.shape(), ", the average ", average.shape());
  require(average.is_contiguous(), op, "contiguous() makes a copy that is", "average ",
          average.shape(), " is not in row-major order");
  const bool copied = !value.is_contiguous() || value.overlaps(average);
  const Tensor x = copied ? value.detach().clone() : value;
  optim::apply_rule(optim::AverageRule{{}, share}, average, x);
}

}  // namespace gradus

namespace gradus::optim {

EMA::EMA(const NamedTensors& parameters, const EMAOptions& options) : options_(options) {
  check_option("EMA", "decay", options.decay, share,
               "it is the share of the average that a step keeps; 0.999 is usual");
  std::unordered_set<std::string> names;
  for (const NamedTensors* list : {&parameters, &options.buffers}) {
    for (const auto& [name, tensor] : *list) {
      require(tensor.defined(), "EMA",
              "pass module.named_parameters(), and named_buffers() as .buffers", name,
              " is undefined");
      require(tensor.is_contiguous(), "EMA", "copy it with contiguous()", name, " ", tensor.shape(),
              " is not in row-major order");
      require(names.insert(name).second, "EMA", "averages are kept by name; give each its own",
              "two tensors are named ", name);
      sources_.push_back({name, tensor});
      averages_.push_back(tensor.detach().clone());
    }
  }
}

void EMA::update() {
  for (size_t i = 0; i < sources_.size(); ++i) {
    const auto& [name, value] = sources_[i];
    const Tensor& average = averages_[i];
    require(value.dtype() == average.dtype() && value.shape() == average.shape(), "EMA",
            "convert a net before its averages are made", name, " is ", value.dtype(), " ",
            value.shape(), ", its average ", average.dtype(), " ", average.shape());
  }
  const NoGrad pause;
  ++updates_;
  const auto t = static_cast<double>(updates_);
  const double decay =
      options_.warmup ? std::min(options_.decay, (1 + t) / (10 + t)) : options_.decay;
  for (size_t i = 0; i < sources_.size(); ++i) {
    const Tensor& value = sources_[i].tensor;
    if (is_floating(value.dtype())) {
      average_update_(averages_[i], value, 1 - decay);
    } else {
      averages_[i].copy_(value);
    }
  }
}

void EMA::copy_to(const NamedTensors& targets) const {
  StateLoader loader(targets, StateLoader::Names::some);
  std::vector<Tensor> found;
  for (const NamedTensor& source : sources_) {
    found.push_back(loader.take(source.name, source.tensor.shape(), source.tensor.dtype()));
  }
  loader.finish("EMA",
                "give named_parameters() and named_buffers() of a module with the same layers",
                "the tensors do not fit, nothing was copied: ");
  const NoGrad pause;
  for (size_t i = 0; i < found.size(); ++i) found[i].copy_(averages_[i]);
}

NamedTensors EMA::state_dict() const {
  NamedTensors state;
  for (size_t i = 0; i < sources_.size(); ++i) {
    state.push_back({sources_[i].name, averages_[i].clone()});
  }
  state.push_back({"ema.updates", tensor({updates_}, {})});
  return state;
}

void EMA::load_state_dict(const NamedTensors& state) {
  StateLoader loader(state);
  std::vector<Tensor> averages;
  for (const NamedTensor& source : sources_) {
    const Tensor t = loader.take(source.name, source.tensor.shape(), source.tensor.dtype());
    averages.push_back(t.defined() ? t.clone() : t);
  }
  const int64_t updates = loader.take_count("ema.updates");
  loader.finish("EMA", "it must come from an EMA of the same tensors");
  averages_ = std::move(averages);
  updates_ = updates;
}

EMAScope::EMAScope(const EMA& ema) : sources_(ema.sources_) {
  for (const NamedTensor& source : sources_) own_.push_back(source.tensor.detach().clone());
  ema.copy_to(sources_);
}

EMAScope::~EMAScope() {
  const NoGrad pause;
  for (size_t i = 0; i < sources_.size(); ++i) {  // nothing here may throw
    Tensor& own = own_[i];
    Tensor& source = sources_[i].tensor;
    if (source.dtype() == own.dtype() && source.shape() == own.shape()) {
      source.copy_(own);
    } else {  // converted meanwhile
      source.set_data(std::move(own));
    }
  }
}

}  // namespace gradus::optim
