// What the device counts while it works through lookups and updates, and how the host learns of it without waiting:
// after each of them the counts are copied to pinned memory, and looked at once their event is reached. Until then the
// host knows bounds.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "embedding/device/table_kernels.h"
#include "ops/device/device.h"

namespace polyscene {

class DeviceProgress {
 public:
  // The first gradient of an update that was not finite, or the fullest bucket of the first table with one too full.
  struct Failure {
    int table;             // its position in wire order
    int64_t update_steps;  // before the update that did not happen
    int64_t overfull;      // the keys of one lookup that want one bucket, where they are too many; else 0, and:
    int64_t key, element;
    float value;
  };

  struct Counted {
    int64_t rows_created = 0, rows_lost = 0, keys_owned = 0;
  };

  // Tables are in wire order everywhere. The device must outlive this.
  DeviceProgress(Device& device, int tables);
  // Waits for the copies to memory that is given back.
  ~DeviceProgress();
  DeviceProgress(const DeviceProgress&) = delete;
  DeviceProgress& operator=(const DeviceProgress&) = delete;

  // On the device, for kernels: what lookups count (lost: modulo 2^32), distinct keys of all lookups (modulo 2^32),
  // faults.
  [[nodiscard]] TableCounts counts() const {
    int32_t* const first = memory_as<int32_t>(kReportBytes);
    return {
        .rows = first, .lost = first + tables_, .overfull = first + 2 * tables_ + 3, .stop = first + 2 * tables_ + 2};
  }
  [[nodiscard]] int32_t* owned() const { return counts().lost + 1; }
  [[nodiscard]] UpdateFlags flags() const { return {owned() + 1, memory_as<int64_t>(0), tables_}; }

  // Has the counts read once the work queued so far is done. offered: by how many rows the lookup before it may have
  // added to each table; empty if it was not a lookup. update_steps: before the update, if it was one.
  void read_later(std::span<const int64_t> offered, int64_t update_steps);
  // Takes in what is there; does not wait.
  void poll();
  // Takes in the oldest that is outstanding, and whatever else is there; waits for it as one who is ahead.
  void wait_for_oldest();
  // Takes in everything. The host waits, unless all is there.
  void wait();
  // Readings queued and not taken in.
  [[nodiscard]] size_t outstanding() const { return readings_.size(); }

  // Rows that a table has at most, once the work queued so far is done.
  [[nodiscard]] int64_t most_rows(int table) const { return most_rows_[static_cast<size_t>(table)]; }
  // Rows, as of the latest counts taken in.
  [[nodiscard]] int64_t known_rows(int table) const { return rows_[static_cast<size_t>(table)]; }
  // Of the latest lookup, and of all, as of the latest counts taken in; keys_owned are those that kernels counted.
  [[nodiscard]] const Counted& last() const { return last_; }
  [[nodiscard]] const Counted& all() const { return all_; }
  // A failure that has been seen, once; after it updates go on. The host waits for what is queued.
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
  std::shared_ptr<void> memory_;  // report [4]; rows [tables], lost, owned, flags [tables + 1], overfull [tables]
  std::deque<Reading> readings_;  // oldest first
  std::vector<std::shared_ptr<void>> spare_;
  std::vector<int64_t> rows_, most_rows_;
  int64_t owned_ = 0, lost_ = 0;
  Counted last_, all_;
  std::optional<Failure> failure_;
};

}  // namespace polyscene
