#include "embedding/device/device_tables.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <utility>

#include "embedding/keys/first_seen.h"
#include "ops/base/error.h"

namespace polyscene::embedding {
namespace {

// A growing table makes room for this many lookups like the present one. The counts that the host has are a few lookups
// old, and it must assume that all keys since then were new.
constexpr int64_t kLookupsAhead = 4;
// A host that is too far ahead first waits until only this many readings are outstanding, so that the device still has
// the work of the latest call.
constexpr size_t kReadingsLeft = 1;

// Rows [begin, ...) of `rows`, at most `count` of them; for a key that repeats, its last row.
SavedRows distinct_piece(const RowsIn& rows, size_t begin, size_t count, size_t dim, size_t width) {
  FirstSeen seen;
  seen.reset(count);
  SavedRows piece;
  const size_t end = std::min(rows.keys.size(), begin + count);
  const auto put = [](auto& to, const auto& from, size_t at, size_t i, size_t n) {
    if (from.empty()) return;
    to.resize(std::max(to.size(), (at + 1) * n));
    std::copy_n(from.begin() + (i * n), n, to.begin() + (at * n));
  };
  for (size_t i = begin; i < end; ++i) {
    const size_t at = seen.insert(rows.keys[i]);
    if (at == piece.keys.size()) piece.keys.push_back(rows.keys[i]);
    put(piece.values, rows.values, at, i, dim);
    put(piece.state, rows.state, at, i, width);
    put(piece.accesses, rows.accesses, at, i, 1);
  }
  return piece;
}

template <class T>
void scatter(const std::vector<T>& from, std::span<const int64_t> order, int64_t width, std::span<T> to) {
  for (size_t i = 0; i < order.size() && !to.empty(); ++i)
    std::copy_n(from.begin() + order[i] * width, width, to.begin() + i * width);
}

}  // namespace

DeviceTables::DeviceTables(Device& device, const DeviceCommunicators& communicators, std::vector<TableSpec> specs,
                           const ShardingOptions& options)
    : RowTables(communicators.host, specs, options),
      device_(&device),
      device_communicator_(&communicators.device),
      views_(device, "descriptions of the tables"),
      progress_(device, tables()) {
  const dist::Communicator &host = communicators.host, &other = communicators.device;
  require(host.rank() == other.rank() && host.size() == other.size(), "[embedding.device] wanted two communicators of ",
          "the same ranks, got rank ", host.rank(), " of ", host.size(), " on the host and rank ", other.rank(), " of ",
          other.size(), " on the device");
  const TableShare share{.map = layout().map(), .rank = host.rank()};
  for (TableSpec& spec : specs) tables_.emplace_back(device, std::move(spec), options.seed, share);
  upload_views();
}

void DeviceTables::upload_views() {
  std::vector<TableView> views;
  for (const int table : layout().wire_order()) views.push_back(tables_[table].view());
  views_.assign(views);
  views_current_ = true;
}

void DeviceTables::make_room(std::span<const int64_t> offered) {
  const auto table_of = [&](size_t w) -> DeviceTable& { return tables_[layout().wire_order()[w]]; };
  const auto fits = [&] {
    for (size_t w = 0; w < offered.size(); ++w)
      if (!table_of(w).bounded() && progress_.most_rows(static_cast<int>(w)) + offered[w] > table_of(w).capacity())
        return false;
    return views_current_;
  };
  while (!fits() && progress_.outstanding() > kReadingsLeft) progress_.wait_for_oldest();
  if (fits()) return;
  progress_.wait();
  views_current_ = false;
  for (size_t w = 0; w < offered.size(); ++w) {
    if (table_of(w).bounded()) continue;
    const int64_t present = progress_.known_rows(static_cast<int>(w)), needed = present + offered[w];
    const int64_t ahead = std::max(needed, std::min(present + kLookupsAhead * offered[w], table_of(w).most_rows()));
    if (ahead > table_of(w).capacity()) table_of(w).reserve(ahead, present, progress_.counts().rows + w);
  }
  upload_views();
}

int64_t DeviceTables::rows(int index) {
  progress_.wait();
  const auto wire = std::ranges::find(layout().wire_order(), index) - layout().wire_order().begin();
  return progress_.known_rows(static_cast<int>(wire));
}

int64_t DeviceTables::memory_bytes() const {
  return std::accumulate(tables_.begin(), tables_.end(), int64_t{0},
                         [](int64_t sum, const DeviceTable& table) { return sum + table.memory_bytes(); });
}

void DeviceTables::write_rows(int index, const RowsIn& rows) {
  constexpr int64_t kPieceBytes = int64_t{16} << 20;
  const TableSpec& s = spec(index);
  const size_t dim = s.dim, width = s.optimizer.state_width(s.dim),
               step = std::max<int64_t>(kPieceBytes / s.row_bytes(), 1);
  for (size_t begin = 0; begin < rows.keys.size(); begin += step)
    write_piece(index, distinct_piece(rows, begin, step, dim, width));
}

void DeviceTables::write_piece(int index, const SavedRows& piece) {
  const auto count = std::ssize(piece.keys);
  const auto wire = std::ranges::find(layout().wire_order(), index) - layout().wire_order().begin();
  std::vector<int64_t> offered(tables());
  offered[wire] = count;
  make_room(offered);

  const std::string consumer = "loading the table " + spec(index).name;
  DeviceBuffer<int64_t> keys(*device_, consumer);
  DeviceBuffer<float> values(*device_, consumer), state(*device_, consumer), gathered(*device_, consumer);
  DeviceBuffer<int32_t> numbers(*device_, consumer), next(*device_, consumer);
  DeviceBuffer<AccessStatistics> accesses(*device_, consumer);
  DeviceBuffer<KeySpan> spans(*device_, consumer);
  const KeySpan span{.matrix = gathered.resize(count * spec(index).dim),
                     .row = 0,
                     .begin = 0,
                     .count = static_cast<int32_t>(count),
                     .tile = 0,
                     .table = static_cast<int32_t>(wire)};
  const DeviceKeys on_device{.keys = keys.assign(piece.keys),
                             .spans = spans.assign({&span, 1}),
                             .tables = views(),
                             .count = count,
                             .span_count = 1,
                             .tiles = (count + kTileKeys - 1) / kTileKeys,
                             .table_count = tables()};
  // Marked as used in a step that never comes, so that loaded rows do not evict each other.
  const TouchedKeys touched{.step = std::numeric_limits<int32_t>::max(),
                            .leaders = nullptr,
                            .next = spec(index).max_rows > 0 ? next.resize(count) : nullptr};
  find_rows(device_->stream(), on_device, numbers.resize(count), touched);
  insert_and_gather(device_->stream(), on_device, numbers.data(), touched, progress_.counts());
  overwrite_rows(device_->stream(), on_device, numbers.data(), values.assign(piece.values),
                 piece.state.empty() ? nullptr : state.assign(piece.state),
                 piece.accesses.empty() ? nullptr : accesses.assign(piece.accesses));
  progress_.read_later({}, update_steps());
  progress_.wait();
}

void DeviceTables::read_rows(int index, const RowsOut& out) {
  const DeviceTable& table = tables_[index];
  const int64_t n = rows(index);
  check_rows_out(table.spec(), n, out);
  const SavedRows all = table.read(n);
  std::vector<int64_t> order(n);
  std::iota(order.begin(), order.end(), int64_t{0});
  std::ranges::sort(order, {}, [&](int64_t row) { return all.keys[row]; });
  scatter(all.keys, order, 1, out.keys);
  scatter(all.values, order, table.spec().dim, out.values);
  scatter(all.state, order, table.state_width(), out.state);
  scatter(all.accesses, order, 1, out.accesses);
}

std::shared_ptr<TableSnapshot> DeviceTables::snapshot(int index) {
  return std::make_shared<CopiedRows>(spec(index), tables_[index].read(rows(index)));
}

}  // namespace polyscene::embedding
