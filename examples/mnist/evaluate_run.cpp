#include "evaluate_run.h"

#include <gradus/core/base/text.h>
#include <gradus/train/values.h>

#include <cmath>
#include <iostream>

#include "../support/system.h"
#include "answers.h"

namespace gradus::examples {

using nlohmann::json;

void evaluate_run(const SavedRunOptions& options) {
  const auto [config, net] = open_run(options.run);
  training::Console console(options.json ? std::cerr : std::cout);
  print_system(console);
  const data::Found found = open_data(wanted_data(options, config), console);
  Answers answers;
  const Evaluation result =
      evaluate(*net, *found.test, found.normalization, found.classes, answers);
  console.say("", str(accuracy_text(result), ", ", training::value_text({"loss", result.loss})));
  console.print(console.is_terminal() ? table_of(answers, console.width()) : table_of(answers));
  if (!options.json) return;
  json classes = json::array(), counts = json::array();
  const size_t count = answers.classes.size();
  for (size_t c = 0; c < count; ++c) {
    classes.push_back({{"name", answers.classes[c]},
                       {"images", answers.images_of(c)},
                       {"recall", answers.recall(c)},
                       {"precision", answers.precision(c)}});
    json row = json::array();
    for (size_t a = 0; a < count; ++a) row.push_back(answers.count(c, a));
    counts.push_back(std::move(row));
  }
  std::cout << json{{"test_accuracy", result.accuracy},
                    {"test_loss", result.loss},
                    {"images", result.images},
                    {"dataset", found.key},
                    {"classes", classes},
                    {"confusion", counts}}
                   .dump()
            << std::endl;
}

}  // namespace gradus::examples
