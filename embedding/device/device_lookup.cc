#include "embedding/device/device_lookup.h"

#include <optional>
#include <string>
#include <vector>

#include "embedding/device/device_exchange.h"
#include "embedding/device/table_kernels.h"
#include "embedding/exchange/lookup_checks.h"
#include "ops/base/error.h"
#include "ops/device/input_copies.h"
#include "ops/tensor/padding.h"

namespace polyscene::embedding {

struct DeviceLookup::State {
  DeviceTables& tables;
  Device& device;
  const TableLayout& layout;
  std::optional<DeviceExchange> exchange;  // none in a world of one: the rank's distinct keys are the owner's

  const UniqueKeys* sent = nullptr;  // keys of the latest lookup; nullptr: none
  bool trains = false;
  const int32_t* stopped = nullptr;  // see stop_where()
  InputCopies keys;                  // keys that this rank owns; their copy does not wait for the previous step
  std::vector<DeviceBuffer<float>> matrices;  // per group [sent rows, dim]
  DeviceKeys owned{};                         // keys that this rank owns; may hold the same key from several senders
  std::vector<int64_t> owned_counts;          // [senders, tables]
  DeviceBuffer<KeySpan> spans;
  DeviceBuffer<int32_t> numbers, links, leaders, next;
  bool bounded = false;  // some table is bounded
  DeviceBuffer<uint32_t> slots;
  DeviceBuffer<OptimizerStep> steps;
  Scratch scratch;
  LookupStatistics last, earlier;
  DeviceProgress::Counted counted_before;

  explicit State(DeviceTables& t);

  [[nodiscard]] DeviceProgress& progress() const { return tables.progress(); }
  [[nodiscard]] const int32_t* leaders_or_none() const { return exchange ? leaders.data() : nullptr; }
  void throw_failure();
  void place_keys(std::span<float* const> of_groups);
  [[nodiscard]] std::vector<int64_t> offered() const;
  void link();
  void find_rows_and_gather();
  void upload_steps(double learning_rate_factor);
};

DeviceLookup::State::State(DeviceTables& t)
    : tables(t),
      device(t.device()),
      layout(t.layout()),
      keys(device, "keys of the lookup"),
      spans(device, "keys of the lookup"),
      numbers(device, "keys of the lookup"),
      links(device, "keys of the lookup"),
      leaders(device, "keys of the lookup"),
      next(device, "keys of the lookup"),
      slots(device, "keys of the lookup"),
      steps(device, "steps of the optimisers"),
      scratch(&device) {
  for (int g = 0; g < layout.groups(); ++g) matrices.emplace_back(device, "rows of the lookup");
  if (t.communicator().size() > 1) exchange.emplace(t);
  for (int table = 0; table < layout.tables(); ++table) bounded = bounded || t.spec(table).max_rows > 0;
  progress().wait();
  counted_before = progress().all();
}

void DeviceLookup::State::throw_failure() {
  const std::optional<DeviceProgress::Failure> failure = progress().take_failure();
  if (!failure) return;
  // Throws if a rank died: then what it left in the buffers caused the failure, not the model.
  tables.device_communicator().check();
  tables.set_update_steps(failure->update_steps);
  sent = nullptr;
  const int table = layout.wire_order()[failure->table];
  if (failure->overfull > 0) {
    const TableSpec& spec = tables.spec(table);
    throw overfull_bucket(spec, failure->overfull, plan_buckets(spec.max_rows, layout.map().partitions()).slots);
  }
  throw not_finite(layout, table, failure->key, failure->element, failure->value);
}

// Cuts the owned keys into spans of one sender and one table, with their rows in the matrix of their group.
void DeviceLookup::State::place_keys(std::span<float* const> of_groups) {
  std::vector<KeySpan> placed;
  std::vector<int64_t> rows(of_groups.size());
  int64_t begin = 0, tiles = 0;
  for (size_t cell = 0; cell < owned_counts.size(); ++cell) {
    const int64_t count = owned_counts[cell];
    if (count == 0) continue;
    const size_t wire = cell % layout.tables();
    const size_t group = layout.group_of(layout.wire_order()[wire]);
    placed.push_back({.matrix = of_groups[group],
                      .row = static_cast<int32_t>(rows[group]),
                      .begin = static_cast<int32_t>(begin),
                      .count = static_cast<int32_t>(count),
                      .tile = static_cast<int32_t>(tiles),
                      .table = static_cast<int32_t>(wire)});
    rows[group] += count;
    begin += count;
    tiles += (count + kTileKeys - 1) / kTileKeys;
  }
  owned.spans = spans.assign(placed);
  owned.span_count = std::ssize(placed);
  owned.tiles = tiles;
  owned.tables = tables.views();
  owned.table_count = layout.tables();
}

// The most rows that the lookup may add to each table, in wire order.
std::vector<int64_t> DeviceLookup::State::offered() const {
  std::vector<int64_t> rows(layout.tables());
  if (trains)
    for (size_t cell = 0; cell < owned_counts.size(); ++cell) rows[cell % rows.size()] += owned_counts[cell];
  return rows;
}

void DeviceLookup::State::link() {
  link_keys(device.stream(), owned, links.resize_cleared(4 * owned.count), slots.resize(owned.count),
            leaders.resize(owned.count), progress().owned());
}

void DeviceLookup::State::find_rows_and_gather() {
  const Stream stream = device.stream();
  TouchedKeys touched;
  if (trains)
    touched = {.step = static_cast<int32_t>(tables.update_steps() + 1),
               .leaders = leaders_or_none(),
               .next = bounded ? next.resize(owned.count) : nullptr};
  find_rows(stream, owned, numbers.resize(owned.count), touched);
  if (trains) {
    insert_and_gather(stream, owned, numbers.data(), touched, progress().counts());
  } else {
    gather_table_rows(stream, owned, numbers.data());
  }
}

void DeviceLookup::State::upload_steps(double learning_rate_factor) {
  std::vector<OptimizerStep> all;
  for (const int table : layout.wire_order())
    all.push_back(optimizer_step(tables.spec(table).optimizer, tables.update_steps() + 1, learning_rate_factor));
  steps.assign(all);
}

DeviceLookup::DeviceLookup(DeviceTables& tables) : state_(std::make_unique<State>(tables)) {}
DeviceLookup::~DeviceLookup() = default;
DeviceLookup::DeviceLookup(DeviceLookup&&) noexcept = default;

void DeviceLookup::lookup(const UniqueKeys& unique, LookupMode mode) {
  State& s = *state_;
  check_unique(s.layout, unique);
  s.progress().poll();
  s.throw_failure();
  s.sent = nullptr;
  s.trains = mode == LookupMode::kTrain;
  s.earlier += s.last;
  s.last = {.steps = 1, .keys_in = unique.keys_in(), .keys_sent = std::ssize(unique.keys())};
  std::vector<float*> matrices;
  for (int g = 0; g < s.layout.groups(); ++g)
    matrices.push_back(s.matrices[g].resize(padded_extent(unique.rows(g)) * s.layout.dim(g)));

  std::span<const int64_t> keys = unique.keys();
  s.owned_counts.assign(unique.counts().begin(), unique.counts().end());
  s.owned.count = s.last.keys_sent;
  std::vector<float*> outgoing = matrices;
  const int64_t sent_before = s.exchange ? s.exchange->bytes_sent() : 0;
  if (s.exchange) {
    keys = s.exchange->send_keys(unique);
    const ExchangeCounts& counts = s.exchange->counts();
    s.owned_counts.assign(counts.received().begin(), counts.received().end());
    s.owned.count = counts.keys().all_from;
    for (int g = 0; g < s.layout.groups(); ++g) outgoing[g] = s.exchange->matrix(g);
  }
  s.keys.begin();
  s.owned.keys = s.keys.add({const_cast<int64_t*>(keys.data()), DType::kInt64, {s.owned.count}}).as<int64_t>();
  s.keys.end();
  s.last.keys_received = s.owned.count;
  const std::vector<int64_t> offered = s.offered();
  s.tables.make_room(offered);
  s.place_keys(outgoing);
  if (s.exchange) s.link();
  s.find_rows_and_gather();
  s.progress().read_later(offered, s.tables.update_steps());
  if (s.exchange) {
    for (int g = 0; g < s.layout.groups(); ++g) s.exchange->send_rows(g, matrices[g]);
    s.last.bytes_sent = s.exchange->bytes_sent() - sent_before;
  }
  s.sent = &unique;
}

TensorView DeviceLookup::rows(int group) const {
  const State& s = *state_;
  require(s.sent != nullptr, "[embedding.lookup] wanted a lookup before its rows, got none");
  return {
      .data = s.matrices[group].data(), .dtype = DType::kFloat32, .shape = {s.sent->rows(group), s.layout.dim(group)}};
}

void DeviceLookup::update(std::span<const TensorView> gradients, double learning_rate_factor) {
  State& s = *state_;
  check_update(s.layout, s.sent, s.trains, gradients);
  for (size_t g = 0; g < gradients.size(); ++g)
    require(reinterpret_cast<uintptr_t>(gradients[g].data) % 16 == 0, "[embedding.update] wanted gradients of group ",
            g, " on a multiple of 16 bytes on a device, got ", gradients[g].data);
  s.progress().poll();
  s.throw_failure();
  std::vector<float*> sums;
  const int64_t sent_before = s.exchange ? s.exchange->bytes_sent() : 0;
  for (int g = 0; g < s.layout.groups(); ++g) {
    sums.push_back(gradients[g].as<float>());
    if (!s.exchange) continue;
    s.exchange->send_gradients(g, sums.back());
    sums.back() = s.exchange->matrix(g);
  }
  if (s.exchange) s.last.bytes_sent += s.exchange->bytes_sent() - sent_before;
  s.place_keys(sums);
  s.upload_steps(learning_rate_factor);
  s.scratch.reset();
  const Attributes none;
  const KernelContext context{
      .attributes = none, .inputs = {}, .outputs = {}, .scratch = s.scratch, .stream = s.device.stream()};
  check_gradients(context, s.owned, s.leaders_or_none(), s.progress().flags());
  update_table_rows(context.stream, s.owned, s.numbers.data(), s.leaders_or_none(), s.steps.data(),
                    s.progress().flags(), s.stopped);
  s.progress().read_later({}, s.tables.update_steps());
  s.tables.set_update_steps(s.tables.update_steps() + 1);
}

void DeviceLookup::stop_where(const int32_t* stopped) { state_->stopped = stopped; }

void DeviceLookup::check() {
  state_->progress().wait();
  state_->throw_failure();
}

LookupStatistics DeviceLookup::last() const {
  const State& s = *state_;
  s.progress().wait();
  LookupStatistics statistics = s.last;
  if (s.last.steps == 0) return statistics;
  statistics.rows_created = s.progress().last().rows_created;
  statistics.rows_evicted = s.progress().last().rows_evicted;
  statistics.keys_owned = s.exchange ? s.progress().last().keys_owned : s.last.keys_received;
  return statistics;
}

LookupStatistics DeviceLookup::total() const {
  const State& s = *state_;
  s.progress().wait();
  LookupStatistics statistics = s.earlier;
  statistics += s.last;
  statistics.rows_created = s.progress().all().rows_created - s.counted_before.rows_created;
  statistics.rows_evicted = s.progress().all().rows_evicted - s.counted_before.rows_evicted;
  statistics.keys_owned =
      s.exchange ? s.progress().all().keys_owned - s.counted_before.keys_owned : statistics.keys_received;
  return statistics;
}

}  // namespace polyscene::embedding
