// What to do about a file or folder that cannot be made, opened or written.
#pragma once

#include <string>

namespace polyscene {

// By errno: "; the disk is full: free space or choose another place". A folder that is missing above `path` is named.
[[nodiscard]] std::string file_advice(int error, const std::string& path);

// Throws the message with that advice behind it: as NoSpace on a full disk or quota, as DataError otherwise.
[[noreturn]] void throw_file_error(int error, const std::string& path, const std::string& message);

}  // namespace polyscene
