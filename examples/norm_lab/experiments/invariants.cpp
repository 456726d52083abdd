// Twelve identities, each computed twice: by the library and by its right-hand side.
#include <cmath>

#include "../experiment.h"
#include "../identities.h"
#include "../microscope.h"

namespace gradus::lab {

namespace invariants_parts {

void run(Lab& lab) {
  for (const Norm norm : set_norms) {
    for (const double eps : {0.0, 1e-5, 1e-2}) {
      for (const int64_t batch : {2, 8}) {
        lab.define({{"norm", name_of(norm)}, {"eps", eps}, {"batch", batch}}, [&]() -> json {
          json values;
          double largest = 0;
          for (const Identity& identity : identities()) {
            const double distance = identity.deviation({norm, eps, batch});
            values[identity.text] = distance;
            if (distance > largest) largest = distance;
          }
          values["largest"] = largest;
          return values;
        });
      }
    }
  }
}

void draw(const Results& results, report::Section& section) {
  auto& figure = section.figure("invariants", "Largest relative deviation from twelve identities");
  figure.see =
      "All hold to rounding, for each eps: where eps appears in a formula, it is part of it.";
  figure.settings =
      "float64, [2 or 8, 4, 3, 3], eps 0, 1e-5 and 1e-2; missing: batch norm alone has "
      "running statistics";
  report::HeatMap map{.log = true, .digits = 1};
  for (const Identity& identity : identities()) map.rows.emplace_back(identity.text);
  for (const json& norm : results.distinct("norm")) map.columns.push_back(norm);
  for (const std::string& row : map.rows) {
    for (const std::string& norm : map.columns) {
      double largest = NAN;
      for (const Record& record : results.where({{"norm", norm}}).records()) {
        largest = std::fmax(largest, number(record.values[row]));
      }
      map.values.push_back(std::fmax(largest, 1e-18));
      if (std::isnan(largest)) map.values.back() = NAN;
    }
  }
  figure.add(map);
}

}  // namespace invariants_parts

Experiment invariants() {
  return {.name = "invariants",
          .title = "Identities of norms",
          .paper = "docs/normalization.md, What always holds",
          .smaller = "",
          .run = invariants_parts::run,
          .draw = invariants_parts::draw};
}

}  // namespace gradus::lab
