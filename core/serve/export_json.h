// export.json, the description of an exported version. Its first member is the XXH3 64 of the rest
// (core/files/sealed_text.h); files of earlier versions have none.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace polyscene::core {

struct ExportedFile {
  std::string name;  // relative to the version's folder
  int64_t bytes = 0;
  std::string xxh3;  // 16 hexadecimal digits
};

struct ExportDescription {
  bool hashed = false;
  std::vector<ExportedFile> files;  // all other files of the version
  int64_t base_version = 0;         // number of the base of a delta; 0: whole version
  std::string base_xxh3;            // of the base's export.json
};

[[nodiscard]] std::string export_json(const std::string& version);

// Throws DataError when the file is damaged, of another format, has unknown members, or names a file outside the
// folder.
[[nodiscard]] ExportDescription read_export(const std::string& version);

// A sentence that says why a version is incomplete: it has no export.json, or a file is missing or of another size.
// Empty when it is complete. Throws like read_export().
[[nodiscard]] std::string missing_of(const std::string& version);

// XXH3 64 of a file, in hexadecimal. Throws DataError.
[[nodiscard]] std::string file_hash(const std::string& path);

}  // namespace polyscene::core
