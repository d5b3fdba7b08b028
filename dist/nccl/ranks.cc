#include <algorithm>

#include "dist/nccl/library.h"
#include "dist/world.h"

namespace polyscene::dist {
namespace {

// The texts of all ranks, one per line, in rank order; the same on all ranks.
std::vector<std::string> gather(Communicator& host, const std::string& text) {
  const std::vector<char> all = host.all_gather_v<char>(std::span<const char>(text + "\n"));
  std::vector<std::string> lines(1);
  for (const char c : all)
    if (c == '\n')
      lines.emplace_back();
    else
      lines.back() += c;
  lines.pop_back();
  return lines;
}

// The reason why NCCL cannot connect these ranks; empty if it can.
std::string why_not_nccl(Communicator& host, const Device& device) {
  const std::vector<std::string> places = gather(host, device.place());
  for (size_t r = 0; r < places.size(); ++r) {
    const auto first = std::ranges::find(places, places[r]) - places.begin();
    if (first < static_cast<std::ptrdiff_t>(r)) return str("ranks ", first, " and ", r, " share a device");
  }
  std::string missing;
  try {
    (void)NcclLibrary::load();
  } catch (const Error& error) {
    missing = error.what();
  }
  for (const std::string& reason : gather(host, missing))
    if (!reason.empty()) return reason;
  return "";
}

}  // namespace

DeviceRanks make_device_ranks(Communicator& host, Device& device, const DeviceTransport& transport) {
  using Kind = DeviceTransport::Kind;
  std::string why;
  bool nccl = transport.kind == Kind::kNccl;
  if (transport.kind == Kind::kAuto && host.size() > 1) {
    why = why_not_nccl(host, device);
    nccl = why.empty();
  }
  if (!nccl) return {make_staged_communicator(host, device), why, true};
  return {make_nccl_communicator(host, device, {.meet_first = false, .deadline = transport.deadline}), why, false};
}

}  // namespace polyscene::dist
