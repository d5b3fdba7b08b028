// export.json: what a version says of itself. Its first member is the XXH3 64 of all behind it
// (core/files/sealed_text.h); those of an earlier program have none.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace polyscene {

struct ExportedFile {
  std::string name;  // relative to the version's folder
  int64_t bytes = 0;
  std::string xxh3;  // 16 hexadecimal digits
};

struct ExportDescription {
  bool hashed = false;
  std::vector<ExportedFile> files;  // all others of the version
  int64_t base_version = 0;         // that it adds to; 0: none
  std::string base_xxh3;            // of that one's export.json
};

[[nodiscard]] std::string export_json(const std::string& version);

// Throws DataError naming what is damaged, of another format, not known to this program, or no file below the folder.
[[nodiscard]] ExportDescription read_export(const std::string& version);

// Why a version is not there whole, as a sentence: it has no export.json, or not every file with its size. Empty where
// it is. Throws like read_export().
[[nodiscard]] std::string missing_of(const std::string& version);

// XXH3 64 of a file in hexadecimal. Throws DataError.
[[nodiscard]] std::string file_hash(const std::string& path);

}  // namespace polyscene
