// Trainings of several batches, with a schedule, clipping and accumulation of gradients.
#include "../../core/ops.h"
#include "../../core/tape.h"
#include "../../optim/clip.h"
#include "kinds.h"
#include "model.h"
#include "optimizers.h"
#include "schedulers.h"

namespace gradus::conformance {
namespace {

/// Adds the gradients of the mean loss of one batch, a chunk at a time; returns that loss.
double accumulate_gradients(Model& net, Model& loss, const Tensor& x, const Tensor& y,
                            int64_t parts) {
  const int64_t size = x.size(0) / parts;
  double total = 0;
  for (int64_t part = 0; part < parts; ++part) {
    Tape tape;
    const Tensor logits = net({narrow(x, 0, part * size, size)}).at(0);
    const Tensor value =
        div(loss({logits, narrow(y, 0, part * size, size)}).at(0), static_cast<double>(parts));
    tape.backward(value);
    total += value.item();
  }
  return total;
}

}  // namespace

void run_training(const Case& item, Checker& checker) {
  Model net(item), loss(item["loss"], {});
  net.to(item.dtype());
  net.load(item.named_tensors(item["params"]), item.named_tensors(item["buffers"]));
  net.set_training(true);
  const Tensors inputs = item.tensors(item["inputs"]);
  const Tensor batches = item.tensor(item["batches"]);
  const auto optimizer = make_optimizer(item["optimizer"], {{.parameters = net.parameters()}},
                                        Options(item["options"], {}));
  SchedulerStep schedule = [](double) {};
  if (item.has("scheduler")) schedule = make_scheduler(item["scheduler"], *optimizer);
  std::vector<double> losses, norms, lrs;
  for (int64_t step = 0; step < batches.size(0); ++step) {
    const Tensor rows = select(batches, 0, step).contiguous();
    optimizer->zero_grad();
    losses.push_back(accumulate_gradients(
        net, loss, index_select(inputs.at(0), 0, rows), index_select(inputs.at(1), 0, rows),
        item.has("accumulate") ? item["accumulate"].get<int64_t>() : 1));
    if (item.has("clip_grad_norm")) {
      norms.push_back(
          optim::clip_grad_norm_(net.parameters(), number_from(item["clip_grad_norm"])));
    }
    lrs.push_back(optimizer->lr());
    optimizer->step();
    schedule(losses.back());
  }
  const auto as_expected = [&](const char* name, const std::vector<double>& found) {
    const Tensor expected = item.tensor(item[name]);
    if (!expected.defined()) return;
    const Tensor all = tensor(found, {static_cast<int64_t>(found.size())});
    checker.check(name, all.to(expected.dtype()), expected);
  };
  as_expected("losses", losses);
  as_expected("grad_norms", norms);
  as_expected("lrs", lrs);
  checker.check("parameter", net.parameters(), item.named_tensors(item["params_after"]));
  checker.check("buffer", net.buffers(), item.named_tensors(item["buffers_after"]));
  net.set_training(false);
  const NoGrad pause;
  checker.check("logits in eval mode", net({inputs.at(0)}), item.tensors(item["outputs_eval"]));
}

}  // namespace gradus::conformance
