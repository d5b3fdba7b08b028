// The counts that a device keeps while it runs lookups and updates, and how the host reads them without waiting: after
// each call the counts are copied to pinned memory, and the host reads them once the event of the copy is reached.
// Until then the host knows upper bounds.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "embedding/device/table_kernels.h"
#include "ops/device/device.h"

namespace polyscene::embedding {

class DeviceProgress {
 public:
  // The first gradient of an update that was not finite, or the fullest bucket of the first table with an overfull one.
  struct Failure {
    int table;             // position in wire order
    int64_t update_steps;  // update_steps() before the failed update
    int64_t overfull;  // keys of one lookup that want the same bucket, if too many; else 0, and the fields below hold
    int64_t key, element;
    float value;
  };

  struct Counted {
    int64_t rows_created = 0, rows_evicted = 0, keys_owned = 0;
  };

  // Tables are in wire order everywhere. The device must outlive this object.
  DeviceProgress(Device& device, int tables);
  // Waits for the copies to its pinned memory.
  ~DeviceProgress();
  DeviceProgress(const DeviceProgress&) = delete;
  DeviceProgress& operator=(const DeviceProgress&) = delete;

  // In device memory, for kernels: the counts of lookups (`evicted` modulo 2^32), the number of distinct keys of all
  // lookups (modulo 2^32), and the flags of updates.
  [[nodiscard]] TableCounts counts() const {
    int32_t* const first = memory_as<int32_t>(kReportBytes);
    return {.rows = first,
            .evicted = first + tables_,
            .overfull = first + 2 * tables_ + 3,
            .stop = first + 2 * tables_ + 2};
  }
  [[nodiscard]] int32_t* owned() const { return counts().evicted + 1; }
  [[nodiscard]] UpdateFlags flags() const { return {owned() + 1, memory_as<int64_t>(0), tables_}; }

  // Queues a reading of the counts after the work queued so far. offered: the most rows that the preceding lookup may
  // have added to each table; empty if it was not a lookup. update_steps: the value before the preceding update, if it
  // was one.
  void read_later(std::span<const int64_t> offered, int64_t update_steps);
  // Processes the readings that have arrived; does not wait.
  void poll();
  // Waits for the oldest outstanding reading, as HostWait::kThrottle, and processes all that have arrived.
  void wait_for_oldest();
  // Processes all readings. The host waits unless all have arrived.
  void wait();
  // The number of queued readings that are not processed yet.
  [[nodiscard]] size_t outstanding() const { return readings_.size(); }

  // The most rows that a table can have once the work queued so far is done.
  [[nodiscard]] int64_t most_rows(int table) const { return most_rows_[table]; }
  // The number of rows in the latest processed reading.
  [[nodiscard]] int64_t known_rows(int table) const { return rows_[table]; }
  // The counts of the latest lookup and of all lookups, as of the latest processed reading. keys_owned is what kernels
  // counted.
  [[nodiscard]] const Counted& last() const { return last_; }
  [[nodiscard]] const Counted& all() const { return all_; }
  // Returns a known failure once; afterwards updates work again. The host waits for all queued work.
  [[nodiscard]] std::optional<Failure> take_failure();

 private:
  static constexpr int64_t kReportBytes = 32;
  struct Reading {
    std::shared_ptr<void> pinned;
    std::shared_ptr<Event> event;
    std::vector<int64_t> offered;
    int64_t update_steps;
  };

  template <class T>
  [[nodiscard]] T* memory_as(int64_t offset) const {
    return reinterpret_cast<T*>(static_cast<std::byte*>(memory_.get()) + offset);
  }
  void take_in(const Reading& reading);
  [[nodiscard]] int64_t known_rows() const;

  Device* device_;
  int64_t tables_, bytes_;
  std::shared_ptr<void> memory_;  // report [4]; rows [tables], evicted, owned, flags [tables + 1], overfull [tables]
  std::deque<Reading> readings_;  // oldest first
  std::vector<std::shared_ptr<void>> spare_;
  std::vector<int64_t> rows_, most_rows_;
  int64_t owned_ = 0, evicted_ = 0;
  Counted last_, all_;
  std::optional<Failure> failure_;
};

}  // namespace polyscene::embedding
