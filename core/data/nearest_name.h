// The hint that ends a message about an unknown name.
#pragma once

#include <string>
#include <vector>

namespace polyscene {

// `; did you mean "x"?` with the candidate of the smallest edit distance, or, where none is near, `; there are: ...`
// (the first few).
[[nodiscard]] std::string did_you_mean(const std::string& wanted, const std::vector<std::string>& candidates);

}  // namespace polyscene
