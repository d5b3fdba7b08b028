#include "embedding/device/device_progress.h"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <numeric>
#include <utility>

#include "ops/base/error.h"

namespace polyscene::embedding {

DeviceProgress::DeviceProgress(Device& device, int tables)
    : device_(&device),
      tables_(tables),
      bytes_(kReportBytes + 4 * (3 * int64_t{tables} + 3)),
      memory_(device.allocate(bytes_, "counts of the tables")),
      rows_(tables),
      most_rows_(rows_) {
  device.clear(memory_.get(), bytes_);
}

DeviceProgress::~DeviceProgress() {
  if (readings_.empty()) return;
  try {
    readings_.back().event->wait();
  } catch (const Error&) {
    // A failed device copies nothing more, and an earlier call has already reported the failure.
  }
}

void DeviceProgress::read_later(std::span<const int64_t> offered, int64_t update_steps) {
  Reading reading{
      .pinned = nullptr, .event = nullptr, .offered = {offered.begin(), offered.end()}, .update_steps = update_steps};
  if (spare_.empty()) {
    reading.pinned = device_->allocate_pinned(bytes_);
  } else {
    reading.pinned = std::move(spare_.back());
    spare_.pop_back();
  }
  device_->copy_out_later(reading.pinned.get(), memory_.get(), bytes_);
  reading.event = device_->record();
  for (size_t t = 0; t < offered.size(); ++t) most_rows_[t] += offered[t];
  readings_.push_back(std::move(reading));
}

void DeviceProgress::poll() {
  // The latest reading first: if its event is reached, all earlier readings have arrived.
  size_t reached = readings_.size();
  while (reached > 0 && !readings_[reached - 1].event->done()) --reached;
  for (; reached > 0; --reached) {
    take_in(readings_.front());
    spare_.push_back(std::move(readings_.front().pinned));
    readings_.pop_front();
  }
}

void DeviceProgress::wait_for_oldest() {
  readings_.front().event->wait(HostWait::kThrottle);
  poll();
}

void DeviceProgress::wait() {
  if (readings_.empty()) return;
  readings_.back().event->wait();
  poll();
}

void DeviceProgress::take_in(const Reading& reading) {
  const auto* report = static_cast<const int64_t*>(reading.pinned.get());
  const auto* counts = reinterpret_cast<const int32_t*>(report + kReportBytes / 8);
  const Counted before = {.rows_created = known_rows(), .rows_evicted = evicted_, .keys_owned = owned_};
  for (size_t t = 0; t < rows_.size(); ++t) {
    // The exact count replaces the upper bound for the work before this reading.
    rows_[t] = counts[t];
    most_rows_[t] = counts[t];
    for (size_t r = 1; r < readings_.size(); ++r)
      if (!readings_[r].offered.empty()) most_rows_[t] += readings_[r].offered[t];
  }
  evicted_ += static_cast<uint32_t>(counts[tables_]) - static_cast<uint32_t>(evicted_);
  owned_ += static_cast<uint32_t>(counts[tables_ + 1]) - static_cast<uint32_t>(owned_);
  if (!reading.offered.empty()) {
    const int64_t evicted = evicted_ - before.rows_evicted;
    last_ = {.rows_created = known_rows() - before.rows_created + evicted,
             .rows_evicted = evicted,
             .keys_owned = owned_ - before.keys_owned};
    all_.rows_created += last_.rows_created;
    all_.rows_evicted += evicted;
    all_.keys_owned += last_.keys_owned;
  }
  if (failure_) return;
  const auto overfull = std::span(counts + 2 * tables_ + 3, tables_);
  const auto first = std::ranges::find_if(overfull, [](int32_t keys) { return keys != 0; });
  if (first != overfull.end())
    failure_ = Failure{.table = static_cast<int>(first - overfull.begin()),
                       .update_steps = reading.update_steps,
                       .overfull = *first,
                       .key = 0,
                       .element = 0,
                       .value = 0};
  else if (report[0] != 0)
    failure_ = Failure{.table = static_cast<int>(report[0] - 1),
                       .update_steps = reading.update_steps,
                       .overfull = 0,
                       .key = report[1],
                       .element = report[2],
                       .value = std::bit_cast<float>(static_cast<uint32_t>(report[3]))};
}

int64_t DeviceProgress::known_rows() const { return std::accumulate(rows_.begin(), rows_.end(), int64_t{0}); }

std::optional<DeviceProgress::Failure> DeviceProgress::take_failure() {
  if (!failure_) return {};
  wait();
  const UpdateFlags f = flags();
  device_->clear(f.report, kReportBytes);
  device_->clear(f.flags, 4 * (2 * tables_ + 1));
  return std::exchange(failure_, std::nullopt);
}

}  // namespace polyscene::embedding
