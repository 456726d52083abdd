#include "ema.h"

#include <algorithm>
#include <unordered_map>

#include "../core/base/error.h"
#include "../core/ops.h"
#include "../core/tape.h"
#include "state_loader.h"
#include "update.h"

namespace gradus::optim {

EMA::EMA(const NamedTensors& parameters, const EMAOptions& options) : options_(options) {
  if (!(options.decay >= 0 && options.decay <= 1)) {
    throw ValueError("EMA", str("decay must be in [0, 1], got ", options.decay),
                     "it is the share of the average that a step keeps; 0.999 is usual");
  }
  std::unordered_set<std::string> names;
  for (const NamedTensor& parameter : parameters) add(parameter, names);
  for (const NamedTensor& buffer : options.buffers) add(buffer, names);
}

void EMA::add(const NamedTensor& source, std::unordered_set<std::string>& names) {
  const auto& [name, tensor] = source;
  if (!tensor.defined()) {
    throw ValueError("EMA", str(name, " is undefined"),
                     "pass module.named_parameters(), and named_buffers() as .buffers");
  }
  if (!tensor.is_contiguous()) {
    throw ValueError("EMA", str(name, " ", tensor.shape(), " is not in row-major order"),
                     "copy it with contiguous()");
  }
  if (!names.insert(name).second) {
    throw ValueError("EMA", str("two tensors are named ", name),
                     "averages are kept by name; give each its own");
  }
  sources_.push_back(source);
  averages_.push_back(tensor.detach().clone());
}

void EMA::update() {
  for (size_t i = 0; i < sources_.size(); ++i) {
    const auto& [name, value] = sources_[i];
    if (value.dtype() == averages_[i].dtype() && value.shape() == averages_[i].shape()) continue;
    throw ValueError("EMA",
                     str(name, " is ", value.dtype(), " ", value.shape(), ", its average ",
                         averages_[i].dtype(), " ", averages_[i].shape()),
                     "convert a net before its averages are made");
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
  std::unordered_map<std::string, Tensor> by_name;
  for (const NamedTensor& target : targets) by_name.emplace(target.name, target.tensor);
  std::vector<Tensor> found;
  std::string problems;
  for (size_t i = 0; i < sources_.size(); ++i) {
    const auto& [name, source] = sources_[i];
    const auto target = by_name.find(name);
    const char* const separator = problems.empty() ? "" : "; ";
    if (target == by_name.end() || !target->second.defined()) {
      problems += str(separator, "missing: ", name);
      continue;
    }
    const Tensor& t = target->second;
    found.push_back(t);
    if (t.shape() == source.shape() && t.dtype() == source.dtype()) continue;
    problems += str(separator, name, " is ", t.dtype(), " ", t.shape(), ", expected ",
                    source.dtype(), " ", source.shape());
  }
  if (!problems.empty()) {
    throw ValueError(
        "EMA", str("the tensors do not fit, nothing was copied: ", problems),
        "give named_parameters() and named_buffers() of a module with the same layers");
  }
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
  const int64_t updates = loader.take_count("ema.updates", 0);
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
