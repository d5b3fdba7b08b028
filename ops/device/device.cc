#include "ops/device/device.h"

#include <algorithm>
#include <iomanip>
#include <sstream>
#include <vector>

#include "ops/base/caused_error.h"
#include "ops/tensor/tensor.h"

namespace polyscene {
namespace {

std::string mebibytes(int64_t bytes) {
  std::ostringstream out;
  out << std::fixed << std::setprecision(1) << static_cast<double>(bytes) / 1048576.0 << " MiB";
  return out.str();
}

std::string list(int64_t all, const std::map<std::string, int64_t>& by_consumer) {
  std::vector<std::pair<int64_t, std::string>> parts;
  for (const auto& [consumer, bytes] : by_consumer)
    if (bytes > 0) parts.emplace_back(bytes, consumer);
  std::ranges::sort(parts, std::greater<>());
  std::string text;
  for (const auto& [bytes, consumer] : parts) text += (text.empty() ? "" : ", ") + consumer + " " + mebibytes(bytes);
  return mebibytes(all) + (text.empty() ? "" : " (" + text + ")");
}

}  // namespace

void DeviceUse::add_bytes(const std::string& consumer, int64_t bytes) {
  const std::lock_guard lock(mutex_);
  by_consumer_[consumer] += bytes;
  bytes_ += bytes;
  if (bytes_ <= peak_) return;
  peak_ = bytes_;
  at_peak_ = by_consumer_;
}

int64_t DeviceUse::bytes() const {
  const std::lock_guard lock(mutex_);
  return bytes_;
}

int64_t DeviceUse::peak_bytes() const {
  const std::lock_guard lock(mutex_);
  return peak_;
}

std::string DeviceUse::describe() const {
  const std::lock_guard lock(mutex_);
  return list(bytes_, by_consumer_);
}

std::string DeviceUse::describe_peak() const {
  const std::lock_guard lock(mutex_);
  return list(peak_, at_peak_);
}

std::shared_ptr<void> Device::counted(std::shared_ptr<void> memory, int64_t bytes, const std::string& consumer) {
  use_->add_bytes(consumer, bytes);
  void* const address = memory.get();
  return {address, [memory = std::move(memory), use = use_, bytes, consumer](void*) mutable {
            use->add_bytes(consumer, -bytes);
            memory.reset();
          }};
}

void Device::out_of_memory(int64_t bytes, const std::string& consumer, int64_t free, int64_t all) const {
  throw DeviceMemoryShortage(str("[device] ", name(), " is out of memory: wanted ", mebibytes(bytes), " for ", consumer,
                                 ", ", mebibytes(free), " of ", mebibytes(all),
                                 " are free; in use by this process: ", use_->describe(),
                                 "; try a smaller batch, shorter sequences, tables in host memory or more ranks"));
}

std::shared_ptr<void> allocate_on(Device* device, int64_t bytes, const std::string& consumer) {
  return device == nullptr ? allocate_host(bytes) : device->allocate(bytes, consumer);
}

}  // namespace polyscene
