#include <numeric>
#include <stdexcept>

#include "core/files/safetensors.h"
#include "core/files/safetensors_header.h"
#include "ops/base/error.h"
#include "tests/fuzz/files.h"
#include "tests/fuzz/target.h"

namespace polyscene::testing {
namespace {

constexpr size_t kLengthBytes = 8;

class SafetensorsTarget : public FuzzTarget {
 public:
  explicit SafetensorsTarget(std::string folder) : path_(std::move(folder) + "/m") {}

  [[nodiscard]] std::vector<std::string> seeds() const override {
    const Tensor floats = Tensor::of<float>({2, 3}, {1, 2, 3, 4, 5, 6});
    const Tensor keys = Tensor::of<int64_t>({2}, {7, 8}), none(DType::kFloat32, {0, 4});
    std::vector<std::string> seeds;
    for (const auto& tensors : {std::vector<core::NamedTensor>{{"head/0/w", floats.view()}, {"head/0/b", keys.view()}},
                                {{"a", none.view()}},
                                {}}) {
      write_safetensors(path_, tensors, {{"format", "pt"}});
      seeds.push_back(read_file(path_));
    }
    return seeds;
  }

  void read(const std::string& bytes) override {
    const core::SafetensorsHeader header = core::read_safetensors_header("m", bytes);
    for (const auto& [name, entry] : header.tensors)
      if (entry.begin > entry.end || entry.end > bytes.size() - header.data_begin)
        throw std::logic_error("tensor \"" + name + "\" lies outside of the file");
    write_file(path_, bytes);
    const core::SafetensorsFile file(path_);
    for (const std::string& name : file.names()) {
      try {
        const TensorView tensor = file.tensor(name);
        const auto* data = tensor.as<const unsigned char>();
        sum_ = std::accumulate(data, data + tensor.bytes(), sum_);
      } catch (const DataError&) {
        // Of a type that we do not read; the others can be read all the same.
      }
    }
  }

  // The header ends behind the last brace and the spaces that fill it up.
  void repair(std::string& bytes) const override {
    const size_t brace = bytes.rfind('}');
    if (brace == std::string::npos || brace < kLengthBytes) return;
    const size_t end = std::min(bytes.find_first_not_of(' ', brace + 1), bytes.size());
    for (size_t i = 0; i < kLengthBytes; ++i) bytes[i] = static_cast<char>((end - kLengthBytes) >> (8 * i));
  }

 private:
  std::string path_;
  unsigned sum_ = 0;
};

}  // namespace

std::unique_ptr<FuzzTarget> make_safetensors_target(const std::string& folder) {
  return std::make_unique<SafetensorsTarget>(folder);
}

}  // namespace polyscene::testing
