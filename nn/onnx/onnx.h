// Nets as ONNX files, which other runtimes execute.
#pragma once

#include <filesystem>
#include <memory>

#include "../module.h"

namespace gradus::nn {

/// Reads a net from an ONNX file: a module that evaluates, trains, and can be saved again. TODO doc
std::unique_ptr<Module> load_onnx(const std::filesystem::path& path);

}  // namespace gradus::nn
