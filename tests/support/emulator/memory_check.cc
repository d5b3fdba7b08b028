#include "tests/support/emulator/memory_check.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "ops/base/error.h"

namespace polyscene::simt {
namespace {

std::string thread_name(int64_t block, int thread) { return str("thread ", thread, " of block ", block); }

const char* verb(Access kind) {
  return kind == Access::kRead ? "reads" : kind == Access::kWrite ? "writes" : "updates";
}

}  // namespace

std::string place(const Where& where) {
  std::string_view file = where.file_name();
  for (const std::string_view root : {"/tests/", "/ops/", "/embedding/"})
    if (const size_t at = file.rfind(root); at != file.npos) {
      file.remove_prefix(at + 1);
      break;
    }
  return str(file, ':', where.line());
}

bool MemoryCheck::ordered(const Entry& before, const Clock& now) {
  if (before.block != now.block) return false;
  if (before.thread == now.thread || before.meetings < now.meetings) return true;
  return before.thread / kWarpSize == now.thread / kWarpSize &&
         before.stretch <= now.lanes[static_cast<size_t>(before.thread % kWarpSize)];
}

void MemoryCheck::check(const Entry& before, const char* what, Access kind, const Clock& now, const Where& where) {
  if (before.block < 0 || ordered(before, now)) return;
  throw Fault(str(
      thread_name(now.block, now.thread), ' ', verb(kind), " at ", place(where), " what ",
      thread_name(before.block, before.thread), ' ', what, " at ", place(before.where),
      before.block == now.block ? ", with no meeting of the two in between" : ", and blocks of one launch never meet"));
}

void MemoryCheck::access(uintptr_t address, int64_t bytes, int64_t element_bytes, Access kind, const Clock& now,
                         const Where& where) {
  const auto step = static_cast<uintptr_t>(std::min<int64_t>(element_bytes, 4));
  const Entry entry{now.block, now.thread, now.meetings, now.lanes[static_cast<size_t>(now.thread % kWarpSize)], where};
  for (uintptr_t at = address, end = address + static_cast<uintptr_t>(bytes); at < end; at += step) {
    Cell& cell = cells_[at];
    if (memory_ == Memory::kUninitialised && kind != Access::kWrite && cell.write.block < 0 && cell.updates.empty())
      throw Fault(str(thread_name(now.block, now.thread), ' ', verb(kind), " at ", place(where),
                      " shared memory that nothing was written to"));
    check(cell.write, "writes", kind, now, where);
    if (kind != Access::kAtomic)
      for (const Entry& update : cell.updates) check(update, "updates", kind, now, where);
    if (kind != Access::kRead)
      for (const Entry& read : cell.reads) check(read, "reads", kind, now, where);
    if (kind == Access::kRead) {
      add(cell.reads, entry, now);
    } else if (kind == Access::kAtomic) {
      add(cell.updates, entry, now);
    } else {
      cell = {entry, {}, {}};
    }
  }
}

// Removes entries that `now` is ordered after, since the new entry covers them. Keeps one entry of other blocks, since
// none of them is ordered with this block.
void MemoryCheck::add(std::vector<Entry>& entries, const Entry& entry, const Clock& now) {
  bool foreign = false;
  std::erase_if(entries, [&](const Entry& e) {
    return ordered(e, now) || (e.block != now.block && std::exchange(foreign, true));
  });
  entries.push_back(entry);
}

}  // namespace polyscene::simt
