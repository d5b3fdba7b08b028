#include "embedding/keys/deduplicator.h"

#include <algorithm>
#include <deque>
#include <limits>
#include <numeric>

#include "embedding/keys/first_seen.h"
#include "ops/base/error.h"
#include "ops/base/thread.h"

namespace polyscene::embedding {
namespace {

// Tables never share keys, so each is deduplicated by itself; a table with many keys is cut into units for the threads.
// A unit numbers its keys by first appearance. Numbering the units' distinct keys in unit order then gives the same
// numbers as one pass over the whole table, so the result does not depend on the cut.
constexpr int64_t kMinUnitKeys = 32768;

// A run of keys of one block.
struct Piece {
  const KeyBlock* block;
  int64_t begin, end;
};

struct Unit {
  std::vector<Piece> pieces;
  int64_t size = 0;
  FirstSeen seen;
  Buffer<int64_t> keys;     // [seen.size()] distinct keys of the unit
  Buffer<int32_t> numbers;  // numbers of those keys in the table, later in the group's matrix

  void clear() { pieces.clear(), size = 0; }
};

struct TableScratch {
  std::deque<Unit> units;
  size_t used = 0;  // units used by this batch
  FirstSeen seen;
  Buffer<int64_t> merged;
  std::span<const int64_t> keys;  // distinct keys of the table
  Buffer<int32_t> rows;           // [keys.size()] their owners, later their row indices in the group's matrix

  Unit& add_unit() {
    if (used == units.size()) units.emplace_back();
    return units[used++];
  }
};

template <bool kPrefetch>
void number_piece(const Piece& piece, FirstSeen& seen, int64_t* distinct) {
  constexpr int64_t kAhead = 16;
  const auto& [block, begin, end] = piece;
  const int64_t* keys = block->keys.data();
  int32_t* index = block->index.data();
  for (int64_t i = begin; i < end; ++i) {
    if constexpr (kPrefetch) {
      if (i + kAhead < end) seen.prefetch(keys[i + kAhead]);
    }
    const int32_t before = seen.size();
    const int32_t number = seen.insert(keys[i]);
    if (number == before) distinct[number] = keys[i];
    index[i * block->stride] = number;
  }
}

void number_unit(Unit& unit) {
  unit.seen.reset(unit.seen.size());
  int64_t* distinct = unit.keys.resize(unit.size).data();
  for (const Piece& piece : unit.pieces) {
    if (unit.seen.large()) {
      number_piece<true>(piece, unit.seen, distinct);
    } else {
      number_piece<false>(piece, unit.seen, distinct);
    }
  }
  unit.keys.resize(unit.seen.size());
}

void merge_units(TableScratch& table) {
  if (table.used == 1) {
    table.keys = table.units[0].keys.span();
    return;
  }
  int64_t total = 0;
  for (size_t u = 0; u < table.used; ++u) total += table.units[u].keys.size();
  table.seen.reset(table.seen.size());
  int64_t* merged = table.merged.resize(total).data();
  for (size_t u = 0; u < table.used; ++u) {
    Unit& unit = table.units[u];
    int32_t* numbers = unit.numbers.resize(unit.keys.size()).data();
    for (int64_t i = 0; i < unit.keys.size(); ++i) {
      numbers[i] = table.seen.insert(unit.keys[i]);
      merged[numbers[i]] = unit.keys[i];
    }
  }
  table.keys = table.merged.resize(table.seen.size());
}

void count_owners(TableScratch& table, const TableLayout& layout, uint64_t salt, int64_t* counts,
                  int64_t counts_stride) {
  if (layout.map().ranks() == 1) {
    *counts = std::ssize(table.keys);
    return;
  }
  int32_t* owners = table.rows.resize(std::ssize(table.keys)).data();
  for (size_t i = 0; i < table.keys.size(); ++i) {
    owners[i] = layout.map().owner(table.keys[i], salt);
    ++counts[owners[i] * counts_stride];
  }
}

}  // namespace

struct Deduplicator::Scratch {
  TableLayout layout;
  std::vector<TableScratch> tables;  // in wire order
  std::vector<int> wire_position;    // by table
  struct UnitOfTable {
    TableScratch* table;
    Unit* unit;
  };
  std::vector<UnitOfTable> units;
  // [ranks, tables] where the keys of (owner, wire position) start in UniqueKeys::keys() and in the group's matrix.
  std::vector<int64_t> key_begin, row_begin;

  explicit Scratch(TableLayout l) : layout(std::move(l)) {
    tables.resize(layout.tables());
    wire_position.resize(tables.size());
    for (int w = 0; w < layout.tables(); ++w) {
      wire_position[layout.wire_order()[w]] = w;
    }
    const size_t cells = tables.size() * layout.map().ranks();
    key_begin.resize(cells);
    row_begin.resize(cells);
  }

  int64_t check(std::span<const KeyBlock> blocks) const;
  void cut_units(std::span<const KeyBlock> blocks, int64_t total);
  void place(std::span<const int64_t> counts, std::span<int64_t> rows);
  void number_rows(size_t wire, std::span<int64_t> keys);
  static void write_index(const UnitOfTable& cut);
};

// Returns the number of keys.
int64_t Deduplicator::Scratch::check(std::span<const KeyBlock> blocks) const {
  int64_t total = 0;
  for (const KeyBlock& b : blocks) {
    require(b.table >= 0 && b.table < layout.tables(), "[embedding.lookup] wanted a table in [0, ", layout.tables(),
            "), got ", b.table);
    const int64_t n = std::ssize(b.keys);
    require(b.stride >= 1, "[embedding.lookup] table \"", layout.name(b.table),
            "\": wanted an index stride of at least 1, got ", b.stride);
    require(n == 0 || std::ssize(b.index) > (n - 1) * b.stride, "[embedding.lookup] table \"", layout.name(b.table),
            "\": wanted an index of at least ", (n - 1) * b.stride + 1, " elements for ", n, " keys at stride ",
            b.stride, ", got ", b.index.size());
    total += n;
  }
  require(total <= std::numeric_limits<int32_t>::max(), "[embedding.lookup] wanted at most ",
          std::numeric_limits<int32_t>::max(), " keys per rank and batch, got ", total, "; try a smaller batch");
  return total;
}

void Deduplicator::Scratch::cut_units(std::span<const KeyBlock> blocks, int64_t total) {
  const int64_t threads = thread_count();
  const int64_t limit = threads == 1 ? total : std::max(kMinUnitKeys, total / (2 * threads));
  for (TableScratch& table : tables) {
    for (Unit& unit : table.units) unit.clear();
    table.used = 0;
    table.keys = {};
  }
  units.clear();
  for (const KeyBlock& block : blocks) {
    TableScratch& table = tables[wire_position[block.table]];
    const int64_t n = std::ssize(block.keys);
    for (int64_t begin = 0; begin < n;) {
      const bool full = table.used == 0 || table.units[table.used - 1].size >= limit;
      Unit& unit = full ? table.add_unit() : table.units[table.used - 1];
      if (full) units.push_back({&table, &unit});
      const int64_t end = std::min(n, begin + limit - unit.size);
      unit.pieces.push_back({&block, begin, end});
      unit.size += end - begin;
      begin = end;
    }
  }
  // Longest first, so that no thread starts a long unit when the others are done.
  std::ranges::stable_sort(units, std::ranges::greater{}, [](const UnitOfTable& u) { return u.unit->size; });
}

void Deduplicator::Scratch::place(std::span<const int64_t> counts, std::span<int64_t> rows) {
  std::exclusive_scan(counts.begin(), counts.end(), key_begin.begin(), int64_t{0});
  std::ranges::fill(rows, 0);
  for (size_t cell = 0; cell < counts.size(); ++cell) {
    const int table = layout.wire_order()[cell % tables.size()];
    int64_t& group_rows = rows[layout.group_of(table)];
    row_begin[cell] = group_rows;
    group_rows += counts[cell];
  }
}

void Deduplicator::Scratch::number_rows(size_t wire, std::span<int64_t> keys) {
  TableScratch& table = tables[wire];
  const int64_t n = std::ssize(table.keys);
  if (layout.map().ranks() == 1) {
    std::ranges::copy(table.keys, keys.begin() + key_begin[wire]);
    const std::span<int32_t> rows = table.rows.resize(n);
    std::iota(rows.begin(), rows.end(), static_cast<int32_t>(row_begin[wire]));
    return;
  }
  int32_t* rows = table.rows.data();
  for (int64_t i = 0; i < n; ++i) {
    const size_t cell = rows[i] * tables.size() + wire;
    keys[key_begin[cell]++] = table.keys[i];
    rows[i] = static_cast<int32_t>(row_begin[cell]++);
  }
}

void Deduplicator::Scratch::write_index(const UnitOfTable& cut) {
  const int32_t* rows = cut.table->rows.data();
  if (cut.table->used > 1) {
    for (int32_t& number : cut.unit->numbers.span()) number = rows[number];
    rows = cut.unit->numbers.data();
  }
  for (const auto& [block, begin, end] : cut.unit->pieces) {
    int32_t* index = block->index.data();
    for (int64_t i = begin; i < end; ++i) index[i * block->stride] = rows[index[i * block->stride]];
  }
}

Deduplicator::Deduplicator(TableLayout layout) : scratch_(std::make_unique<Scratch>(std::move(layout))) {}
Deduplicator::~Deduplicator() = default;
Deduplicator::Deduplicator(Deduplicator&&) noexcept = default;

void Deduplicator::run(std::span<const KeyBlock> blocks, UniqueKeys& unique) {
  Scratch& s = *scratch_;
  const int64_t tables = s.layout.tables();
  unique.keys_in_ = s.check(blocks);
  unique.tables_ = s.layout.tables();
  unique.counts_.assign(s.key_begin.size(), 0);
  unique.rows_.resize(s.layout.groups());

  s.cut_units(blocks, unique.keys_in_);
  const int64_t units = std::ssize(s.units);
  parallel_for(units, 1, [&](int64_t u, int64_t) { number_unit(*s.units[u].unit); });
  parallel_for(tables, 1, [&](int64_t w, int64_t) {
    TableScratch& table = s.tables[w];
    if (table.used == 0) return;
    merge_units(table);
    const uint64_t salt = s.layout.salt(s.layout.wire_order()[w]);
    count_owners(table, s.layout, salt, &unique.counts_[w], tables);
  });
  s.place(unique.counts_, unique.rows_);
  const auto total = std::accumulate(unique.counts_.begin(), unique.counts_.end(), int64_t{0});
  const std::span<int64_t> keys = unique.keys_.resize(total);
  parallel_for(tables, 1, [&](int64_t w, int64_t) { s.number_rows(w, keys); });
  parallel_for(units, 1, [&](int64_t u, int64_t) { Scratch::write_index(s.units[u]); });
}

}  // namespace polyscene::embedding
