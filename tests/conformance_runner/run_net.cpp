// Whole nets: one batch, short trainings, and weights from files.
#include "../../core/io/safetensors.h"
#include "../../core/ops.h"
#include "../../core/tape.h"
#include "gradients.h"
#include "kinds.h"
#include "model.h"
#include "optimizers.h"

namespace gradus::conformance {
namespace {

/// The net with the parameters and buffers that the case starts from.
Model initial_net(const Case& item) {
  Model net(item);
  net.to(item.dtype());
  net.load(item.named_tensors(item["params"]), item.named_tensors(item["buffers"]));
  return net;
}

Tensor compute_loss(Model& loss, const Tensor& logits, const Tensor& target) {
  return loss({logits, target}).at(0);
}

/// Logits in eval mode.
Tensors evaluate(Model& net, const Tensor& x) {
  net.set_training(false);
  const NoGrad pause;
  return net({x});
}

void check_forward_and_gradients(const Case& item, Checker& checker) {
  Model net = initial_net(item), loss(item["loss"], {});
  Tensors inputs = item.tensors(item["inputs"]);
  ask_for_gradients(inputs, item["grads"]);
  net.set_training(true);
  const Tape tape;
  const Tensor logits = net({inputs.at(0)}).at(0);
  const Tensors outputs{logits, compute_loss(loss, logits, inputs.at(1))};
  // The gradients are those of the loss.
  checker.check("output", outputs, item.tensors(item["outputs"]));
  checker.check("buffer after the forward:", net.buffers(),
                item.named_tensors(item["buffers_after"]));
  const NamedTensors expected = item.named_tensors(item["grads"].at("params"));
  Tensors wanted{inputs[0]};
  for (const NamedTensor& p : net.parameters()) wanted.push_back(p.tensor);
  const Tensors found = gradients({outputs[1]}, {ones({}, item.dtype())}, wanted);
  checker.check("gradient of the input", found[0], item.tensors(item["grads"].at("inputs")).at(0));
  NamedTensors named;
  for (size_t i = 0; i + 1 < found.size(); ++i) {
    named.push_back({net.parameters()[i].name, found[i + 1]});
  }
  checker.check("gradient of", named, expected);
}

void check_training(const Case& item, const Json& training, const std::string& what,
                    Checker& checker) {
  Model net = initial_net(item), loss(item["loss"], {});
  const Tensors inputs = item.tensors(item["inputs"]);
  const auto optimizer =
      make_optimizer(training.at("optimizer"), {{.parameters = net.parameters()}},
                     Options(training.value("options", Json()), {}));
  net.set_training(true);
  Tensors losses;
  for (int64_t step = 0; step < training.at("steps").get<int64_t>(); ++step) {
    optimizer->zero_grad();
    Tape tape;
    const Tensor value = compute_loss(loss, net({inputs.at(0)}).at(0), inputs.at(1));
    tape.backward(value);
    losses.push_back(value.detach());
    optimizer->step();
  }
  checker.check(what + "losses", stack(losses), item.tensor(training.at("losses")));
  checker.check(what + "parameter", net.parameters(),
                item.named_tensors(training.at("params_after")));
  checker.check(what + "buffer", net.buffers(),
                item.named_tensors(training.value("buffers_after", Json())));
  checker.check(what + "logits in eval mode", evaluate(net, inputs.at(0)),
                item.tensors(training.at("outputs_eval")));
}

}  // namespace

void run_net(const Case& item, Checker& checker) {
  check_forward_and_gradients(item, checker);
  if (item.has("outputs_eval")) {
    Model net = initial_net(item);
    checker.check("logits in eval mode", evaluate(net, item.tensor(item["inputs"].at(0))),
                  item.tensors(item["outputs_eval"]));
  }
  int number = 0;
  for (const Json& training : item["training"]) {
    const std::string what =
        "training " + std::to_string(number++) + " (" + training.value("optimizer", "") + "): ";
    check_training(item, training, what, checker);
  }
}

void run_state_dict(const Case& item, Checker& checker) {
  Model net(item);
  net.to(item.dtype());
  const SafeTensors file = load_safetensors(item.folder() / item["state_dict"].get<std::string>());
  net.module()->load_state_dict(file.tensors);
  std::set<std::string> names;
  for (const NamedTensor& t : net.module()->state_dict()) names.insert(t.name);
  checker.expect(names == item["keys"].get<std::set<std::string>>(),
                 "the names of the state dict differ");

  const Tensor x = item.tensor(item["inputs"].at(0));
  checker.check("logits in eval mode", evaluate(net, x), item.tensors(item["outputs_eval"]));
  net.set_training(true);
  {
    const NoGrad pause;
    checker.check("logits in train mode", net({x}), item.tensors(item["outputs_train"]));
  }
  // Through a file, as a program would save it.
  const auto saved = net.module()->state_dict();
  checker.check("saved buffer", saved, item.named_tensors(item["buffers_after"]));
}

}  // namespace gradus::conformance
