// Advice about a file or folder that cannot be created, opened or written.
#pragma once

#include <string>

namespace polyscene::core {

// Advice for an errno: "; the disk is full: free space or choose another place". Names a missing folder above `path`.
[[nodiscard]] std::string file_advice(int error, const std::string& path);

// Throws the message followed by that advice: NoSpace if the disk or quota is full, DataError otherwise.
[[noreturn]] void throw_file_error(int error, const std::string& path, const std::string& message);

}  // namespace polyscene::core
