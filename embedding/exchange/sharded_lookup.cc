#include "embedding/exchange/sharded_lookup.h"

#include <atomic>
#include <cstring>
#include <numeric>
#include <optional>
#include <vector>

#include "embedding/exchange/lookup_checks.h"
#include "embedding/exchange/row_exchange.h"
#include "embedding/keys/key_pieces.h"
#include "embedding/update/finite_check.h"
#include "ops/base/error.h"

namespace polyscene::embedding {
namespace {

// Copies the values of rows[i] to out[i], or zeros for kNoRow. out: [rows, dim].
void gather(const HashedTable& table, std::span<const int32_t> rows, float* out) {
  constexpr size_t kAhead = 8;
  const int64_t dim = table.spec().dim;
  const size_t bytes = dim * sizeof(float);
  for (size_t i = 0; i < rows.size(); ++i, out += dim) {
    if (i + kAhead < rows.size() && rows[i + kAhead] != HashedTable::kNoRow) table.prefetch(rows[i + kAhead]);
    if (rows[i] == HashedTable::kNoRow) {
      std::memset(out, 0, bytes);
    } else {
      std::memcpy(out, table.values(rows[i]), bytes);
    }
  }
}

}  // namespace

struct ShardedLookup::State {
  ShardedTables& tables;
  const TableLayout& layout;
  std::optional<RowExchange> exchange;  // empty in a world of one, whose distinct keys are all its own

  const UniqueKeys* sent = nullptr;   // keys of the latest lookup; nullptr: none
  const UniqueKeys* owned = nullptr;  // distinct keys that this rank owns, of all ranks
  bool trains = false;
  std::vector<KeyPiece> pieces;             // cut from owned->keys()
  Buffer<int32_t> table_rows;               // their row indices in their tables
  std::vector<std::vector<int32_t>> fresh;  // rows created by the latest lookup, by table in wire order
  std::vector<Buffer<float>> rows;          // by group, [sent rows, dim]
  LookupStatistics last, earlier;

  explicit State(ShardedTables& t) : tables(t), layout(t.layout()), rows(layout.groups()) {
    if (t.communicator().size() > 1) exchange.emplace(layout, t.communicator());
  }

  [[nodiscard]] std::span<int32_t> table_rows_of(const KeyPiece& p) {
    return table_rows.span().subspan(p.begin, p.size());
  }
  void find_rows(LookupMode mode);
  void insert_rows(int32_t step);
  void gather_local();
  void gather_and_send();
  void check_finite(std::span<const float* const> sums) const;
  void apply(std::span<const float* const> sums, double learning_rate_factor);
};

void ShardedLookup::State::find_rows(LookupMode mode) {
  cut_pieces(layout, owned->counts(), pieces);
  const std::span<const int64_t> keys = owned->keys();
  table_rows.resize(std::ssize(keys));
  const auto step = static_cast<int32_t>(tables.update_steps() + 1);
  for_each_piece(pieces, [&](const KeyPiece& p) {
    const auto piece_keys = keys.subspan(p.begin, p.size());
    tables.table(p.table).find(piece_keys, table_rows_of(p));
    if (mode == LookupMode::kTrain) tables.table(p.table).touch(table_rows_of(p), step);
  });
  if (mode == LookupMode::kTrain) insert_rows(step);
}

// One thread per table finds places for the new keys, in their order; then all threads compute initial values.
void ShardedLookup::State::insert_rows(int32_t step) {
  constexpr int64_t kGrain = 64;
  const size_t n = layout.tables();
  std::vector<int64_t> begin(n), evicted(n);
  fresh.resize(n);
  std::exclusive_scan(owned->counts().begin(), owned->counts().end(), begin.begin(), int64_t{0});
  parallel_for(layout.tables(), 1, [&](int64_t wire, int64_t) {
    const size_t w = wire;
    const size_t from = begin[w], count = owned->counts()[w];
    fresh[w].clear();
    evicted[w] =
        tables.table(layout.wire_order()[w])
            .insert_missing(owned->keys().subspan(from, count), table_rows.span().subspan(from, count), step, fresh[w]);
  });
  for (size_t w = 0; w < n; ++w) {
    HashedTable& table = tables.table(layout.wire_order()[w]);
    const auto added = std::ssize(fresh[w]);
    parallel_for(added, kGrain,
                 [&](int64_t from, int64_t to) { table.init_rows(std::span(fresh[w]).subspan(from, to - from)); });
    last.rows_created += added;
    last.rows_evicted += evicted[w];
  }
}

void ShardedLookup::State::gather_local() {
  for_each_piece(pieces, [&](const KeyPiece& p) {
    float* out = rows[p.group].data() + p.row_begin * layout.dim(p.group);
    gather(tables.table(p.table), table_rows_of(p), out);
  });
}

void ShardedLookup::State::gather_and_send() {
  std::vector<int64_t> group_begin(rows.size());  // start of a group's keys in owned->keys()
  for (size_t g = 1; g < rows.size(); ++g) group_begin[g] = group_begin[g - 1] + owned->rows(static_cast<int>(g) - 1);
  for_each_piece(exchange->received(), [&](const KeyPiece& p) {
    const int32_t* owned_rows = table_rows.data() + group_begin[p.group];
    int32_t piece_rows[kPieceKeys];
    for (int64_t i = 0; i < p.size(); ++i) {
      piece_rows[i] = owned_rows[exchange->index()[p.begin + i]];
    }
    gather(tables.table(p.table), {piece_rows, static_cast<size_t>(p.size())},
           exchange->outgoing(p.group) + p.row_begin * layout.dim(p.group));
  });
  for (int g = 0; g < layout.groups(); ++g) exchange->send_rows(g, rows[g].span());
}

void ShardedLookup::State::check_finite(std::span<const float* const> sums) const {
  const auto gradient_of = [&](const KeyPiece& p) -> std::span<const float> {
    const int64_t dim = layout.dim(p.group);
    return {sums[p.group] + p.row_begin * dim, static_cast<size_t>(p.size() * dim)};
  };
  const int64_t none = std::ssize(pieces);
  std::atomic<int64_t> first = none;  // the lowest, whatever the order in which threads find them
  parallel_for(none, 1, [&](int64_t i, int64_t) {
    const std::span<const float> gradient = gradient_of(pieces[i]);
    if (first_not_finite(gradient) == gradient.size()) return;
    int64_t seen = first;
    while (i < seen && !first.compare_exchange_weak(seen, i)) {
    }
  });
  if (first == none) return;
  const KeyPiece& p = pieces[static_cast<size_t>(first)];
  const std::span<const float> gradient = gradient_of(p);
  const size_t at = first_not_finite(gradient), dim = layout.dim(p.group);
  throw not_finite(layout, p.table, owned->keys()[p.begin + at / dim], at % dim, gradient[at]);
}

void ShardedLookup::State::apply(std::span<const float* const> sums, double learning_rate_factor) {
  const int64_t step = tables.update_steps() + 1;
  std::vector<OptimizerStep> steps;
  for (int t = 0; t < layout.tables(); ++t) {
    steps.push_back(optimizer_step(tables.table(t).spec().optimizer, step, learning_rate_factor));
  }
  for_each_piece(pieces, [&](const KeyPiece& p) {
    HashedTable& table = tables.table(p.table);
    const int64_t dim = layout.dim(p.group);
    const float* gradient = sums[p.group] + p.row_begin * dim;
    RowUpdate updates[kPieceKeys];
    for (int64_t i = 0; i < p.size(); ++i) {
      const int32_t row = table_rows[p.begin + i];
      updates[i] = {.values = table.values(row), .state = table.state(row), .gradient = gradient + i * dim};
    }
    update_rows(steps[p.table], dim, {updates, static_cast<size_t>(p.size())});
  });
  tables.set_update_steps(step);
}

ShardedLookup::ShardedLookup(ShardedTables& tables) : state_(std::make_unique<State>(tables)) {}
ShardedLookup::~ShardedLookup() = default;
ShardedLookup::ShardedLookup(ShardedLookup&&) noexcept = default;

void ShardedLookup::lookup(const UniqueKeys& unique, LookupMode mode) {
  State& s = *state_;
  check_unique(s.layout, unique);
  s.sent = nullptr;
  s.trains = mode == LookupMode::kTrain;
  s.earlier = total();
  s.last = {.steps = 1, .keys_in = unique.keys_in(), .keys_sent = std::ssize(unique.keys())};
  for (int g = 0; g < s.layout.groups(); ++g) s.rows[g].resize(unique.rows(g) * s.layout.dim(g));

  s.owned = s.exchange ? &s.exchange->send_keys(unique) : &unique;
  s.find_rows(mode);
  s.exchange ? s.gather_and_send() : s.gather_local();
  s.last.keys_received = s.exchange ? s.exchange->index().size() : unique.keys().size();
  s.last.keys_owned = std::ssize(s.owned->keys());
  s.sent = &unique;
}

TensorView ShardedLookup::rows(int group) const {
  const State& s = *state_;
  require(s.sent != nullptr, "[embedding.lookup] wanted a lookup before its rows, got none");
  const Buffer<float>& rows = s.rows[group];
  return {.data = rows.data(), .dtype = DType::kFloat32, .shape = {s.sent->rows(group), s.layout.dim(group)}};
}

void ShardedLookup::update(std::span<const TensorView> gradients, double learning_rate_factor) {
  State& s = *state_;
  check_update(s.layout, s.sent, s.trains, gradients);
  std::vector<const float*> sums;
  for (int g = 0; g < s.layout.groups(); ++g) {
    const std::span<const float> own = gradients[g].elements<float>();
    sums.push_back(s.exchange ? s.exchange->sum_gradients(g, own).data() : own.data());
  }
  s.check_finite(sums);
  s.apply(sums, learning_rate_factor);
}

LookupStatistics ShardedLookup::last() const {
  LookupStatistics statistics = state_->last;
  if (state_->exchange) statistics.bytes_sent = state_->exchange->bytes_sent() - state_->earlier.bytes_sent;
  return statistics;
}

LookupStatistics ShardedLookup::total() const {
  LookupStatistics statistics = state_->earlier;
  return statistics += last();
}

}  // namespace polyscene::embedding
