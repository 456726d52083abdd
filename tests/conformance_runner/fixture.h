// Folders of cases in the format of tests/conformance/README.md, and what one case gives to its
// runner.
#pragma once

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <unordered_map>
#include <vector>

#include "../../core/base/random.h"
#include "../../core/tensor.h"

namespace gradus::conformance {

using Json = nlohmann::json;
using Tensors = std::vector<Tensor>;

/// Thrown where a case needs something that the library does not have.
struct Unsupported : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct Tolerance {
  double rtol = 0, atol = 0;
};

/// Tensors of a file, by name.
class TensorFile {
 public:
  explicit TensorFile(const std::filesystem::path& path);
  const Tensor& at(const std::string& name) const;

 private:
  std::unordered_map<std::string, Tensor> tensors_;
};

/// One case of a manifest. Tensors are given out as copies, so that cases cannot disturb each
/// other.
class Case {
 public:
  Case(const Json& json, const TensorFile* tensors, const std::filesystem::path& folder)
      : json_(json), tensors_(tensors), folder_(folder) {}

  const Json& operator[](const char* key) const;  ///< null where the key is missing
  bool has(const char* key) const { return json_.contains(key) && !json_[key].is_null(); }
  std::string id() const;
  std::string kind() const;
  DType dtype() const;
  Tolerance tolerance() const;
  const std::filesystem::path& folder() const { return folder_; }

  /// The tensor that a string names; undefined for null.
  Tensor tensor(const Json& name) const;
  Tensors tensors(const Json& names) const;
  /// From {"weight": "<name of a tensor>"}; null gives none.
  NamedTensors named_tensors(const Json& names) const;

 private:
  const Json& json_;
  const TensorFile* tensors_;
  const std::filesystem::path& folder_;
};

/// A manifest with its tensors.
class Group {
 public:
  explicit Group(const std::filesystem::path& manifest);
  const std::string& name() const { return name_; }
  std::vector<Case> cases() const;

 private:
  std::filesystem::path folder_;
  std::string name_;
  Json manifest_;
  std::unique_ptr<TensorFile> tensors_;
};

/// The manifests of a folder: in the order of index.json if there is one, then any others.
std::vector<std::filesystem::path> find_manifests(const std::filesystem::path& folder);

Json read_json(const std::filesystem::path& path);
DType dtype_from(const std::string& name);
Shape shape_from(const Json& list);
/// A tensor from a description: `shape`, `dtype`, and `fill` or `values`.
Tensor described_tensor(const Json& description, Rng& generator);

}  // namespace gradus::conformance
