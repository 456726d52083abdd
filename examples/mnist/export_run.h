// Writing a saved net for other programs.
#pragma once

#include <string>

namespace gradus::examples {

struct ExportOptions {
  std::string run;                  ///< folder that `mnist train --out` wrote
  std::string onnx;                 ///< file to write
  bool with_normalization = false;  ///< the file takes pixels of 0 to 255
};

/// Writes the net of a run as an ONNX file, and says what goes in and comes out.
void export_run(const ExportOptions& options);

}  // namespace gradus::examples
