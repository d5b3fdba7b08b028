// The folder of lists of bad records: FOLDER/SPLIT-rankR.jsonl, one for each rank that met some.
#pragma once

#include <string>
#include <vector>

namespace polyscene {

// Where a rank lists the bad records that it met in a split.
[[nodiscard]] std::string reject_file(const std::string& folder, const std::string& split, int rank);

// Whatever is there under such a name, of any rank; of all splits where `split` is empty. Sorted.
[[nodiscard]] std::vector<std::string> reject_files(const std::string& folder, const std::string& split = {});

// Whether it is a list of bad records, or empty; not a link, nor anything else of such a name.
[[nodiscard]] bool is_reject_file(const std::string& path);

}  // namespace polyscene
