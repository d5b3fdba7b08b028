// What to do about a file or folder that cannot be made, opened or written.
#pragma once

#include <string>

namespace polyscene {

// By errno: "; the disk is full: free space or choose another place". A folder that is missing above `path` is named.
[[nodiscard]] std::string file_advice(int error, const std::string& path);

}  // namespace polyscene
