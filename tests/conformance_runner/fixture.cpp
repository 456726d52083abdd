#include "fixture.h"

#include <algorithm>
#include <fstream>

#include "../../core/base/error.h"
#include "../../core/io/safetensors.h"
#include "../../core/ops.h"

namespace gradus::conformance {

namespace fs = std::filesystem;

TensorFile::TensorFile(const fs::path& path) {
  for (NamedTensor& t : load_safetensors(path).tensors) {
    tensors_.emplace(std::move(t.name), std::move(t.tensor));
  }
}

const Tensor& TensorFile::at(const std::string& name) const {
  const auto found = tensors_.find(name);
  if (found == tensors_.end()) {
    throw IoError("conformance", str("no tensor '", name, "'"),
                  "the .json file and the .safetensors file belong to different versions");
  }
  return found->second;
}

const Json& Case::operator[](const char* key) const {
  static const Json none;
  const auto found = json_.find(key);
  return found == json_.end() ? none : *found;
}

std::string Case::id() const {
  return json_.at("id");
}
std::string Case::kind() const {
  return json_.at("kind");
}
DType Case::dtype() const {
  return has("dtype") ? dtype_from(json_["dtype"]) : float32;
}

Tolerance Case::tolerance() const {
  if (!has("tolerance")) return {};
  return {json_["tolerance"].at("rtol"), json_["tolerance"].at("atol")};
}

Tensor Case::tensor(const Json& name) const {
  if (name.is_null()) return {};
  if (tensors_ == nullptr) {
    throw IoError("conformance", "this group has no tensor file",
                  "copy it from where the .json file is");
  }
  return tensors_->at(name.get<std::string>()).clone();
}

Tensors Case::tensors(const Json& names) const {
  Tensors result;
  for (const Json& name : names) result.push_back(tensor(name));
  return result;
}

NamedTensors Case::named_tensors(const Json& names) const {
  NamedTensors result;
  for (const auto& item : names.items()) result.push_back({item.key(), tensor(item.value())});
  return result;
}

Group::Group(const fs::path& manifest)
    : folder_(manifest.parent_path()), manifest_(read_json(manifest)) {
  name_ = manifest_.value("group", manifest.stem().string());
  const Json tensors = manifest_.value("tensors", Json());
  if (tensors.is_string()) {
    tensors_ = std::make_unique<TensorFile>(folder_ / tensors.get<std::string>());
  }
}

std::vector<Case> Group::cases() const {
  std::vector<Case> result;
  for (const Json& item : manifest_.at("cases")) {
    result.emplace_back(item, tensors_.get(), folder_);
  }
  return result;
}

std::vector<fs::path> find_manifests(const fs::path& folder) {
  std::vector<fs::path> manifests, others;
  if (fs::exists(folder / "index.json")) {
    const Json index = read_json(folder / "index.json");
    for (const Json& group : index.at("groups")) {
      manifests.push_back(folder / group.at("manifest").get<std::string>());
    }
  }
  for (const auto& entry : fs::directory_iterator(folder)) {
    const fs::path& path = entry.path();
    const bool known = std::find(manifests.begin(), manifests.end(), path) != manifests.end();
    if (path.extension() == ".json" && !known && read_json(path).contains("cases")) {
      others.push_back(path);
    }
  }
  std::sort(others.begin(), others.end());
  manifests.insert(manifests.end(), others.begin(), others.end());
  return manifests;
}

Json read_json(const fs::path& path) {
  std::ifstream in(path);
  if (!in) {
    throw IoError("conformance", str("cannot read '", path.string(), "'"),
                  "give a folder of cases");
  }
  try {
    return Json::parse(in);
  } catch (const Json::exception& error) {
    throw IoError("conformance", str("'", path.string(), "': ", error.what()), "copy it anew");
  }
}

DType dtype_from(const std::string& name) {
  for (DType dtype : {float32, float64, int64, int32, uint8, boolean}) {
    if (name == name_of(dtype)) return dtype;
  }
  throw Unsupported("element type " + name);
}

Shape shape_from(const Json& list) {
  const auto sizes = list.get<std::vector<int64_t>>();
  return Shape(std::span(sizes));
}

namespace {

void flatten_values(const Json& values, std::vector<double>& out) {
  if (values.is_array()) {
    for (const Json& v : values) flatten_values(v, out);
  } else {
    out.push_back(values.is_boolean() ? (values.get<bool>() ? 1.0 : 0.0) : values.get<double>());
  }
}

}  // namespace

Tensor described_tensor(const Json& description, Rng& generator) {
  const DType dtype = dtype_from(description.value("dtype", "float32"));
  const Shape shape = shape_from(description.at("shape"));
  if (description.contains("values")) {
    std::vector<double> values;
    flatten_values(description["values"], values);
    return tensor(values, shape).to(dtype);
  }
  const std::string fill = description.value("fill", "normal");
  if (fill == "zeros") return zeros(shape, dtype);
  if (fill == "uniform") return rand(shape, generator, 0, 1, dtype);
  if (fill == "normal") return randn(shape, generator, dtype);
  throw Unsupported("tensors filled with " + fill);
}

}  // namespace gradus::conformance
