#include "core/config/check_field.h"

#include <algorithm>

#include "core/config/experiment.pb.h"
#include "core/text/suggest.h"

namespace polyscene::core::config_text {

void check_field(const std::string& path, const std::string& name, const config::Data& data, Problems& problems) {
  std::vector<std::string> fields, all;
  for (const config::Feature& f : data.feature()) {
    all.push_back(f.name());
    if (f.has_categorical() || f.number().boundary_size() > 0) fields.push_back(f.name());
  }
  const auto has = [&](const std::vector<std::string>& names) { return std::ranges::find(names, name) != names.end(); };
  if (has(fields)) return;
  const std::string wanted = str(path, " wants a categorical feature or a number with boundaries, ");
  problems.add(
      path, has(all) ? str(wanted, "but \"", name, "\" is neither", fields.empty() ? "" : "; there are " + join(fields))
                     : str(wanted, "got \"", name, "\"", suggestion(name, fields)));
}

}  // namespace polyscene::core::config_text
