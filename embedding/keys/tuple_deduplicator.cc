#include "embedding/keys/tuple_deduplicator.h"

#include <algorithm>
#include <limits>
#include <utility>
#include <vector>

#include "embedding/keys/first_seen.h"
#include "ops/base/error.h"
#include "ops/base/thread.h"

namespace polyscene::embedding {
namespace {

using Sides = std::span<const std::span<const int64_t>>;

constexpr int64_t kMinUnitTuples = 16384;
constexpr int64_t kHashGrain = 4096;

// Tuples are cut into units like in Deduplicator; the result does not depend on the cut.
struct Unit {
  int64_t begin = 0, end = 0;
  FirstSeen seen;
  Buffer<int32_t> first;  // [seen.size()] positions of first appearance
  Buffer<int64_t>
      tuples;  // [seen.size(), sides] the tuples themselves: one line to compare with instead of one per side
  Buffer<int32_t> numbers;  // numbers of those tuples among all tuples
};

bool equal(Sides sides, int32_t a, int32_t b) {
  for (const std::span<const int64_t> side : sides) {
    if (side[a] != side[b]) return false;
  }
  return true;
}

int64_t key_of(Sides sides, int64_t side, int64_t i) { return sides[side][i]; }

bool is_tuple(Sides sides, int64_t i, const int64_t* tuple) {
  bool same = true;
  for (int64_t s = 0; s < std::ssize(sides); ++s) same &= key_of(sides, s, i) == tuple[s];
  return same;
}

// Hashes tuples [begin, end) into hash[0, end - begin), contiguous so that the loop vectorises.
void hash_tuples(Sides sides, int64_t begin, int64_t end, uint64_t* hash) {
  std::fill(hash + begin, hash + end, 0);
  for (const std::span<const int64_t> side : sides) {
    const int64_t* keys = side.data();
    for (int64_t i = begin; i < end; ++i) {
      hash[i] = (hash[i] ^ static_cast<uint64_t>(keys[i])) * 0x9E3779B97F4A7C15ull;
      hash[i] ^= hash[i] >> 32;
    }
  }
}

void check(Sides sides, std::span<const int32_t> index) {
  require(!sides.empty(), "[embedding.lookup] wanted at least one column of keys, got none");
  const size_t length = sides[0].size();
  for (size_t s = 1; s < sides.size(); ++s) {
    require(sides[s].size() == length, "[embedding.lookup] wanted columns of equal length, got ", length,
            " in column 0 and ", sides[s].size(), " in column ", s);
  }
  require(index.size() == length, "[embedding.lookup] wanted an index of ", length, " elements, got ", index.size());
  require(length <= std::numeric_limits<int32_t>::max(), "[embedding.lookup] wanted at most ",
          std::numeric_limits<int32_t>::max(), " tuples, got ", length, "; try a smaller batch");
}

}  // namespace

struct TupleDeduplicator::Scratch {
  Buffer<uint64_t> hash;
  std::vector<Unit> units;
  FirstSeen seen;
  Buffer<int32_t> first;

  void cut_units(int64_t length);
  void number_unit(Sides sides, Unit& unit, int32_t* index);
  void merge_units(Sides sides);
};

void TupleDeduplicator::Scratch::cut_units(int64_t length) {
  const int64_t threads = thread_count();
  const int64_t limit = std::max(kMinUnitTuples, (length + threads - 1) / threads);
  units.resize(std::max<int64_t>(1, (length + limit - 1) / limit));
  for (size_t u = 0; u < units.size(); ++u) {
    units[u].begin = static_cast<int64_t>(u) * limit;
    units[u].end = std::min(length, units[u].begin + limit);
  }
}

void TupleDeduplicator::Scratch::number_unit(Sides sides, Unit& unit, int32_t* index) {
  constexpr int64_t kAhead = 16;
  const int64_t width = std::ssize(sides);
  unit.seen.reset(unit.seen.size());
  int32_t* positions = unit.first.resize(unit.end - unit.begin).data();
  int64_t* tuples = unit.tuples.resize((unit.end - unit.begin) * width).data();
  for (int64_t i = unit.begin; i < unit.end; ++i) {
    if (i + kAhead < unit.end) unit.seen.prefetch(hash[i + kAhead]);
    const int32_t before = unit.seen.size();
    const int32_t number = unit.seen.insert(hash[i], [&](int32_t n) { return is_tuple(sides, i, tuples + n * width); });
    index[i] = number;
    if (number != before) continue;
    positions[number] = static_cast<int32_t>(i);
    for (int64_t s = 0; s < width; ++s) tuples[number * width + s] = key_of(sides, s, i);
  }
  unit.first.resize(unit.seen.size());
}

void TupleDeduplicator::Scratch::merge_units(Sides sides) {
  int64_t total = 0;
  for (const Unit& unit : units) total += unit.first.size();
  seen.reset(seen.size());
  int32_t* merged = first.resize(total).data();
  for (Unit& unit : units) {
    int32_t* numbers = unit.numbers.resize(unit.first.size()).data();
    for (int64_t i = 0; i < unit.first.size(); ++i) {
      const int32_t before = seen.size(), position = unit.first[i];
      numbers[i] = seen.insert(hash[position], [&](int32_t n) { return equal(sides, merged[n], position); });
      if (numbers[i] == before) merged[before] = position;
    }
  }
  first.resize(seen.size());
}

TupleDeduplicator::TupleDeduplicator() : scratch_(std::make_unique<Scratch>()) {}
TupleDeduplicator::~TupleDeduplicator() = default;
TupleDeduplicator::TupleDeduplicator(TupleDeduplicator&&) noexcept = default;

std::span<const int32_t> TupleDeduplicator::run(Sides sides, std::span<int32_t> index) {
  check(sides, index);
  Scratch& s = *scratch_;
  const int64_t length = std::ssize(index);
  s.hash.resize(length);
  s.cut_units(length);
  parallel_for(length, kHashGrain, [&](int64_t begin, int64_t end) { hash_tuples(sides, begin, end, s.hash.data()); });
  const int64_t units = std::ssize(s.units);
  parallel_for(units, 1, [&](int64_t u, int64_t) { s.number_unit(sides, s.units[u], index.data()); });
  if (units == 1) return std::as_const(s.units[0].first).span();
  s.merge_units(sides);
  parallel_for(units, 1, [&](int64_t u, int64_t) {
    const Unit& unit = s.units[u];
    for (int64_t i = unit.begin; i < unit.end; ++i) {
      int32_t& number = index[i];
      number = unit.numbers[number];
    }
  });
  return std::as_const(s.first).span();
}

}  // namespace polyscene::embedding
