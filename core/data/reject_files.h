// The folder with lists of bad records: FOLDER/SPLIT-rankR.jsonl, one for each rank that met some.
#pragma once

#include <string>
#include <vector>

namespace polyscene::core {

// Path of a rank's list of the bad records of a split.
[[nodiscard]] std::string reject_file(const std::string& folder, const std::string& split, int rank);

// All paths with such a name, of any rank, whatever they are, sorted; of all splits if `split` is empty.
[[nodiscard]] std::vector<std::string> reject_files(const std::string& folder, const std::string& split = {});

// Whether the path is a list of bad records or an empty file. False for links and anything else of such a name.
[[nodiscard]] bool is_reject_file(const std::string& path);

}  // namespace polyscene::core
