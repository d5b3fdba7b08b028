// The bytes of a TensorBoard event. Written by hand: six fields of two messages do not justify protobuf, which is kept
// out of this folder (and TensorFlow's .proto files with it).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace polyscene::core {

// tensorflow.Event { wall_time, file_version }: what every file begins with.
[[nodiscard]] std::string version_event(double wall_time_s);

// tensorflow.Event { wall_time, step, summary { value { tag, simple_value } ... } }.
[[nodiscard]] std::string scalar_event(double wall_time_s, int64_t step,
                                       const std::vector<std::pair<std::string, float>>& scalars);

// TFRecord framing: length, its checksum, the data, its checksum; little-endian.
[[nodiscard]] std::string tfrecord(std::string_view data);

}  // namespace polyscene::core
