#include "tests/simt/emulator/memory_check.h"

#include <algorithm>
#include <string_view>

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
  for (const std::string_view root : {"/ops/", "/embedding/", "/tests/"})
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
  if (before.block < 0 || ordered(before, now) || (before.atomic && kind == Access::kAtomic)) return;
  throw Fault(str(
      thread_name(now.block, now.thread), ' ', verb(kind), " at ", place(where), " what ",
      thread_name(before.block, before.thread), ' ', what, " at ", place(before.where),
      before.block == now.block ? ", with no meeting of the two in between" : ", and blocks of one launch never meet"));
}

void MemoryCheck::access(uintptr_t address, int64_t bytes, int64_t element_bytes, Access kind, const Clock& now,
                         const Where& where) {
  const auto step = static_cast<uintptr_t>(std::min<int64_t>(element_bytes, 4));
  const Entry entry{now.block,
                    now.thread,
                    now.meetings,
                    now.lanes[static_cast<size_t>(now.thread % kWarpSize)],
                    kind == Access::kAtomic,
                    where};
  for (uintptr_t at = address, end = address + static_cast<uintptr_t>(bytes); at < end; at += step) {
    Cell& cell = cells_[at];
    if (fresh_ && kind != Access::kWrite && cell.write.block < 0)
      throw Fault(str(thread_name(now.block, now.thread), ' ', verb(kind), " at ", place(where),
                      " shared memory that nothing was written to"));
    check(cell.write, cell.write.atomic ? "updates" : "writes", kind, now, where);
    if (kind == Access::kRead) {
      const auto same = [&](const Entry& e) { return e.block < 0 || (e.block == now.block && e.thread == now.thread); };
      auto slot = std::ranges::find_if(cell.reads, same);
      if (slot == cell.reads.end())
        slot = std::ranges::find_if(cell.reads, [&](const Entry& e) { return ordered(e, now); });
      if (slot != cell.reads.end()) *slot = entry;
    } else {
      for (const Entry& read : cell.reads) check(read, "reads", kind, now, where);
      cell.reads = {};
      cell.write = entry;
    }
  }
}

}  // namespace polyscene::simt
