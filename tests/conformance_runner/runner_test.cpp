// The runner of conformance cases is itself checked: it must notice whatever is wrong.
#include "runner.h"

#include <doctest/doctest.h>

#include <cmath>
#include <fstream>
#include <set>
#include <sstream>

#include "../../core/base/error.h"
#include "../../core/io/safetensors.h"
#include "../../core/ops.h"
#include "../support/paths.h"
#include "../support/temporary_folder.h"
#include "../support/text.h"

using namespace gradus;
using namespace gradus::conformance;
using gradus::test::contains;
namespace fs = std::filesystem;

namespace {

const fs::path shipped = fs::path(test::source_folder()) / "tests/conformance";

/// A folder with one group, written anew for each test.
class GroupFolder {
 public:
  Report run(const Json& cases, const NamedTensors& tensors) const {
    save_safetensors(folder_ / "g.safetensors", tensors);
    const Json manifest = {{"group", "g"}, {"tensors", "g.safetensors"}, {"cases", cases}};
    write_file_atomically(folder_ / "g.json", manifest.dump());
    return run_folders({folder_.path()}, {});
  }
  CaseResult run_one(const Json& item, const NamedTensors& tensors) const {
    return run(Json::array({item}), tensors).groups.at(0).cases.at(0);
  }
  const fs::path& path() const { return folder_.path(); }

 private:
  test::TemporaryFolder folder_;
};

/// y = 2 x with gradient 2, right in every respect.
Json doubling_case() {
  return {{"id", "g.0"},
          {"kind", "op"},
          {"op", "mul"},
          {"options", {{"scalar", 2}}},
          {"dtype", "float64"},
          {"inputs", {"x"}},
          {"outputs", {"y"}},
          {"grad_outputs", {"gy"}},
          {"grads", {{"inputs", {"gx"}}}},
          {"tolerance", {{"rtol", 1e-9}, {"atol", 1e-12}}}};
}

NamedTensors doubling_tensors() {
  return {{"x", tensor({1.0, 2.0, 3.0})},
          {"y", tensor({2.0, 4.0, 6.0})},
          {"gy", tensor({1.0, 0.5, 0.0})},
          {"gx", tensor({2.0, 1.0, 0.0})}};
}

NamedTensors with(NamedTensors tensors, const std::string& name, const Tensor& value) {
  for (NamedTensor& t : tensors) {
    if (t.name == name) t.tensor = value;
  }
  return tensors;
}

void collect_names(const Json& value, std::set<std::string>& names) {
  if (value.is_string()) names.insert(value.get<std::string>());
  for (const Json& item : value.is_structured() ? value : Json::array()) {
    collect_names(item, names);
  }
}

/// The tensors that a case expects as results.
std::set<std::string> expected_names(const Json& item) {
  std::set<std::string> names;
  for (const char* key :
       {"outputs", "outputs_eval", "outputs_train", "grads", "buffers_after", "params_after",
        "params_after_step", "losses", "grad_norms", "lrs", "penalty"}) {
    if (item.contains(key)) collect_names(item[key], names);
  }
  for (const char* key : {"steps", "training"}) {
    if (!item.contains(key) || !item[key].is_array()) continue;
    for (const Json& part : item[key]) names.merge(expected_names(part));
  }
  return names;
}

Tensor slightly_wrong(const Tensor& t) {
  if (t.dtype() == boolean) return eq(t, 0);
  if (!is_floating(t.dtype())) return add(t, 1);
  Tensor changed = t.clone();  // in its last element alone
  Tensor last = flatten(changed).narrow(0, t.numel() - 1, 1);
  last.add_(full({1}, 0.01, t.dtype()));
  return changed;
}

}  // namespace

TEST_CASE("a right case passes, whatever operation it is of") {
  const auto passes = [](const char* op, const Json& options, const std::vector<Tensor>& inputs,
                         const Tensor& output) {
    const GroupFolder folder;
    NamedTensors tensors = {{"y", output}};
    Json item = {{"id", "g.0"},        {"kind", "op"},
                 {"op", op},           {"options", options},
                 {"dtype", "float64"}, {"inputs", Json::array()},
                 {"outputs", {"y"}},   {"tolerance", {{"rtol", 1e-6}, {"atol", 1e-9}}}};
    for (const Tensor& x : inputs) {
      const std::string name = "x" + std::to_string(tensors.size());
      tensors.push_back({name, x});
      item["inputs"].push_back(name);
    }
    const CaseResult result = folder.run_one(item, tensors);
    CHECK_MESSAGE(result.status == Status::passed, op);
  };
  const Tensor x = tensor({-4.0, -0.5, 0.5, 7.0}), m = tensor({1.0, 2.0, 3.0, 4.0}, {2, 2});
  passes("hardtanh", {{"max_val", 2}}, {x}, tensor({-1.0, -0.5, 0.5, 2.0}));
  passes("relu6", {}, {x}, tensor({0.0, 0.0, 0.5, 6.0}));
  passes("hardswish", {}, {x}, tensor({0.0, -1.25 / 6, 1.75 / 6, 7.0}));
  passes("hardsigmoid", {}, {x}, tensor({0.0, 2.5 / 6, 3.5 / 6, 1.0}));
  passes("mish", {}, {tensor({0.0, 40.0})}, tensor({0.0, 40.0}));
  passes("selu", {}, {tensor({0.0, 1.0})}, tensor({0.0, 1.0507009873554805}));
  passes("celu", {{"alpha", 2}}, {tensor({3.0, -2.0})}, tensor({3.0, 2 * std::expm1(-1.0)}));
  passes("softsign", {}, {tensor({3.0, -1.0})}, tensor({0.75, -0.5}));
  passes("tanhshrink", {}, {tensor({0.0})}, tensor({0.0}));
  passes("threshold", {{"threshold", 0.5}, {"value", 9}}, {x}, tensor({9.0, 9.0, 9.0, 7.0}));
  passes("softmin", {{"dim", 0}}, {tensor({2.0, 2.0})}, tensor({0.5, 0.5}));
  passes("linear", {}, {m, m, tensor({1.0, 0.0})}, tensor({6.0, 11.0, 12.0, 25.0}, {2, 2}));
  passes("embedding", {}, {tensor<int64_t>({1}), m}, tensor({3.0, 4.0}, {1, 2}));
  passes("unflatten", {{"dim", 0}, {"sizes", {2, -1}}}, {x}, reshape(x, {2, 2}));
  passes("one_hot", {}, {tensor<int64_t>({1})}, tensor<int64_t>({0, 1}, {1, 2}));
  passes("arange", {{"end", 3}}, {}, tensor<int64_t>({0, 1, 2}));
  passes("arange", {{"start", 0}, {"end", 1}, {"step", 0.5}}, {}, tensor({0.0F, 0.5F}));
  passes("linspace", {{"start", 0}, {"end", 1}, {"steps", 3}}, {}, tensor({0.0F, 0.5F, 1.0F}));
  passes("eye", {{"n", 1}, {"m", 2}, {"dtype", "float64"}}, {}, tensor({1.0, 0.0}, {1, 2}));
}

TEST_CASE("cells are called with their states") {
  const auto status = [](const char* op, int64_t gates, const std::vector<const char*>& inputs,
                         const std::vector<const char*>& outputs) {
    const GroupFolder folder;
    const NamedTensors tensors = {
        {"w", zeros({gates, 1}, float64)}, {"x", tensor({5.0}, {1, 1})},
        {"h", tensor({0.5}, {1, 1})},      {"c", tensor({2.0}, {1, 1})},
        {"zero", zeros({1, 1}, float64)},  {"half h", tensor({0.25}, {1, 1})},
        {"half c", tensor({1.0}, {1, 1})}, {"tanh", tensor({0.5 * std::tanh(1.0)}, {1, 1})}};
    const Json item = {{"id", "g.0"},
                       {"kind", "module"},
                       {"op", op},
                       {"options", {{"input_size", 1}, {"hidden_size", 1}, {"bias", false}}},
                       {"dtype", "float64"},
                       {"params", {{"weight_ih", "w"}, {"weight_hh", "w"}}},
                       {"inputs", inputs},
                       {"outputs", outputs},
                       {"tolerance", {{"rtol", 1e-9}, {"atol", 1e-12}}}};
    return folder.run_one(item, tensors).status;
  };
  // All weights are 0, so that every gate is half open and nothing new comes in.
  CHECK(status("RNNCell", 1, {"x", "h"}, {"zero"}) == Status::passed);
  CHECK(status("GRUCell", 3, {"x", "h"}, {"half h"}) == Status::passed);
  CHECK(status("LSTMCell", 4, {"x", "h", "c"}, {"tanh", "half c"}) == Status::passed);
  CHECK(status("GRUCell", 3, {"x", "h"}, {"h"}) == Status::failed);
}

TEST_CASE("a right case passes") {
  const GroupFolder folder;
  CHECK(folder.run_one(doubling_case(), doubling_tensors()).status == Status::passed);
}

TEST_CASE("a wrong value is reported with its place, both values and the tolerance") {
  const GroupFolder folder;
  const auto wrong = with(doubling_tensors(), "y", tensor({2.0, 4.5, 6.0}));
  const CaseResult result = folder.run_one(doubling_case(), wrong);
  CHECK(result.status == Status::failed);
  CHECK(result.reason ==
        "output 0 [3]: 1 of 3 elements differ (rtol 1e-09, atol 1e-12)\n"
        "      at [1] found 4, expected 4.5");
}

TEST_CASE("wrong shapes, types, gradients and counts are failures") {
  const GroupFolder folder;
  const auto reason = [&](const Json& item, const NamedTensors& tensors) {
    const CaseResult result = folder.run_one(item, tensors);
    CHECK(result.status == Status::failed);
    return result.reason;
  };
  const NamedTensors right = doubling_tensors();
  CHECK(reason(doubling_case(), with(right, "y", tensor({2.0, 4.0}))) ==
        "output 0: shape [3], expected [2]");
  CHECK(reason(doubling_case(), with(right, "y", tensor({2.0F, 4.0F, 6.0F}))) ==
        "output 0: type float64, expected float32");
  CHECK(contains(reason(doubling_case(), with(right, "gx", tensor({2.0, 1.0, 0.1}))),
                 "gradient of input 0 [3]: 1 of 3"));
  Json two_outputs = doubling_case();
  two_outputs["outputs"] = {"y", "y"};
  CHECK(contains(reason(two_outputs, right), "output: there are 1, expected 2"));
}

TEST_CASE("NaN agrees with NaN alone, infinity with the same infinity") {
  const GroupFolder folder;
  const double inf = HUGE_VAL, nan = std::nan("");
  Json item = doubling_case();
  item.erase("grads");
  const auto status = [&](double x, double y) {
    const NamedTensors tensors{{"x", tensor({x})}, {"y", tensor({y})}};
    return folder.run_one(item, tensors).status;
  };
  CHECK(status(nan, nan) == Status::passed);
  CHECK(status(nan, 1) == Status::failed);
  CHECK(status(1, nan) == Status::failed);
  CHECK(status(inf, inf) == Status::passed);
  CHECK(status(inf, -inf) == Status::failed);
  CHECK(status(1, inf) == Status::failed);
}

TEST_CASE("what the library does not have is unsupported, what throws has failed") {
  const GroupFolder folder;
  const auto run = [&](const char* key, const Json& value) {
    Json item = doubling_case();
    item[key] = value;
    return folder.run_one(item, doubling_tensors());
  };
  CHECK(run("op", "fold").status == Status::unsupported);
  CHECK(run("op", "fold").reason == "operation 'fold'");
  CHECK(run("kind", "dance").reason == "kind 'dance'");
  CHECK(run("options", {{"scalar", 2}, {"alpha", 3}}).reason == "option 'alpha'");
  const CaseResult missing = run("inputs", {"nothing"});
  CHECK(missing.status == Status::failed);
  CHECK(missing.reason ==
        "threw: [conformance] no tensor 'nothing'. Hint: the .json file and the .safetensors file "
        "belong to different versions");
}

TEST_CASE("a call that must be rejected fails the case if it is accepted") {
  const GroupFolder folder;
  const auto run = [&](const char* kind, const std::vector<int>& shape) {
    const Json input = {{"shape", {2, 3}}, {"dtype", "float32"}, {"fill", "normal"}};
    const Json other = {{"shape", shape}, {"dtype", "float32"}, {"fill", "normal"}};
    return folder.run_one({{"id", "e"},
                           {"kind", kind},
                           {"kind_of_call", "op"},
                           {"op", "add"},
                           {"inputs", {input, other}}},
                          {});
  };
  CHECK(run("error", {2, 4}).status == Status::passed);
  CHECK(run("error", {2, 3}).status == Status::failed);
  CHECK(run("accepts", {2, 3}).status == Status::passed);
  CHECK(run("accepts", {2, 4}).status == Status::failed);
}

TEST_CASE("every tensor that a case expects is looked at") {
  // One case of each kind; each of its expected tensors is made wrong in one element.
  const std::pair<const char*, const char*> samples[] = {
      {"linear", "module"},        {"batchnorm", "module_steps"},
      {"tensor_reduce", "op"},     {"double_backward", "double_backward"},
      {"optimizers", "optimizer"}, {"nets", "net"},
      {"clip_grad", "op"},         {"training_runs", "training_run"},
      {"state_dict", "state_dict"}};
  for (const auto& sample : samples) {
    const std::string group = sample.first;
    CAPTURE(group);
    const GroupFolder folder;
    for (const auto& entry : fs::directory_iterator(shipped)) {
      if (entry.is_regular_file() && entry.path().extension() == ".safetensors" &&
          entry.path().filename().string().starts_with("state_dict_")) {
        fs::copy(entry.path(), folder.path());
      }
    }
    const Json manifest = read_json(shipped / (group + ".json"));
    Json item;
    for (const Json& candidate : manifest["cases"]) {
      if (item.is_null() && candidate["kind"] == sample.second) item = candidate;
    }
    const NamedTensors tensors = load_safetensors(shipped / (group + ".safetensors")).tensors;
    REQUIRE(folder.run_one(item, tensors).status == Status::passed);
    const std::set<std::string> names = expected_names(item);
    CHECK_FALSE(names.empty());
    for (const NamedTensor& t : tensors) {
      if (!names.contains(t.name) || t.tensor.numel() == 0) continue;
      const auto changed = with(tensors, t.name, slightly_wrong(t.tensor));
      CHECK_MESSAGE(folder.run_one(item, changed).status == Status::failed, t.name);
    }
  }
}

TEST_CASE("every rate and momentum that a case of a schedule expects is looked at") {
  const GroupFolder folder;
  const auto status = [&](const Json& item) { return folder.run_one(item, {}).status; };
  const Json manifest = read_json(shipped / "lr_schedulers.json");
  Json item;
  for (const Json& candidate : manifest["cases"]) {
    if (candidate.contains("momentums")) item = candidate;
  }
  REQUIRE(status(item) == Status::passed);
  for (const char* key : {"lrs", "momentums"}) {
    for (size_t step = 0; step < item[key].size(); ++step) {
      for (size_t group = 0; group < item[key][step].size(); ++group) {
        Json wrong = item;
        wrong[key][step][group] = 1.001 * item[key][step][group].get<double>();
        CHECK_MESSAGE(status(wrong) == Status::failed, key << ' ' << step << ' ' << group);
      }
    }
  }
  Json unknown = item;
  unknown["op"] = "CyclicLR";
  CHECK(status(unknown) == Status::unsupported);
  unknown = item;
  unknown["options"]["last_epoch"] = 3;
  CHECK(status(unknown) == Status::unsupported);
}

TEST_CASE("groups are chosen by name, and an unknown name is an error") {
  const GroupFolder folder;
  folder.run(Json::array({doubling_case()}), doubling_tensors());
  CHECK(run_folders({folder.path()}, {.groups = {"g"}}).groups.size() == 1);
  CHECK_THROWS_WITH_AS(run_folders({folder.path()}, {.groups = {"h"}}),
                       "[conformance] no group 'h'. Hint: without --groups, all run", ValueError);
  CHECK_THROWS_AS(run_folders({folder.path() / "none"}, {}), IoError);
}

TEST_CASE("only what ran and passed is a success") {
  const auto report = [](const std::vector<Status>& statuses) {
    Report r{.groups = {{.name = "g", .cases = {}}}};
    for (Status s : statuses) r.groups[0].cases.push_back({.id = "c", .status = s, .reason = "r"});
    return r;
  };
  const auto passed = Status::passed, failed = Status::failed, missing = Status::unsupported;
  CHECK(succeeded(report({passed}), false));
  CHECK_FALSE(succeeded(report({}), false));
  CHECK_FALSE(succeeded(report({}), true));
  CHECK_FALSE(succeeded(report({passed, failed}), true));
  CHECK_FALSE(succeeded(report({passed, missing}), false));
  CHECK(succeeded(report({passed, missing}), true));

  std::ostringstream text;
  print(text, report({passed, failed, missing, missing}), false);
  CHECK(text.str() ==
        "group  passed failed unsupported\n"
        "g           1      1           2\n"
        "  FAILED c\n    r\n"
        "  unsupported: r (2): c c\n"
        "1 passed, 1 failed, 2 unsupported\n");
  const Json json = to_json(report({passed, failed, missing}));
  CHECK(json["passed"] == 1);
  CHECK(json["groups"][0]["failures"][0] == Json{{"id", "c"}, {"reason", "r"}});
}
