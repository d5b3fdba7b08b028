#include "core/data/gather.h"

#include <algorithm>
#include <limits>

#include "ops/base/error.h"

namespace polyscene::core {
namespace {

class Gatherer {
 public:
  explicit Gatherer(std::span<const RowRun> runs) : runs_(runs) {
    for (const auto& run : runs) rows_ += run.rows.size();
  }

  [[nodiscard]] size_t rows() const { return rows_; }

  // column(window) is a [rows] vector.
  template <class T, class Column>
  void column(std::vector<T>& out, Column column) const {
    out.resize(rows_);
    T* at = out.data();
    for (const auto& run : runs_) {
      const T* from = column(run.window->columns).data();
      for (const int32_t row : run.rows) *at++ = from[row];
    }
  }

  void numbers(std::vector<float>& out, size_t width) const {
    out.resize(rows_ * width);
    float* at = out.data();
    for (const auto& run : runs_) {
      const float* from = run.window->columns.numbers.data();
      for (const int32_t row : run.rows) at = std::copy_n(from + row * width, width, at);
    }
  }

  // offsets_of(window) is a [rows + 1] vector.
  template <class Offsets>
  void offsets(std::vector<int32_t>& out, Offsets offsets_of) const {
    out.resize(rows_ + 1);
    int64_t end = 0;
    size_t at = 0;
    for (const auto& run : runs_) {
      const int32_t* from = offsets_of(run.window->columns).data();
      for (const int32_t row : run.rows) {
        end += from[row + 1] - from[row];
        out[++at] = static_cast<int32_t>(end);
      }
    }
    require<DataError>(end <= std::numeric_limits<int32_t>::max(), "[data] a batch of ", rows_, " rows holds ", end,
                       " ids in one feature, at most 2147483647 fit; lower the batch size or max_length");
  }

  // The elements that belong to offsets(); elements_of(window) is empty or as long as its offsets say.
  template <class T, class Offsets, class Elements>
  void elements(std::vector<T>& out, size_t size, Offsets offsets_of, Elements elements_of) const {
    out.reserve(size);
    for (const auto& run : runs_) {
      const int32_t* offsets = offsets_of(run.window->columns).data();
      const T* from = elements_of(run.window->columns).data();
      for (const int32_t row : run.rows) out.insert(out.end(), from + offsets[row], from + offsets[row + 1]);
    }
  }

 private:
  std::span<const RowRun> runs_;
  size_t rows_ = 0;
};

void gather_bag(const Gatherer& from, size_t i, BagBatch& bag, bool weighted) {
  const auto offsets = [i](const Batch& b) -> const auto& { return b.bags[i].offsets; };
  from.offsets(bag.offsets, offsets);
  const size_t size = bag.offsets.back();
  from.elements(
      bag.keys, size, offsets, [i](const Batch& b) -> const auto& { return b.bags[i].keys; });
  if (!weighted) return;
  from.elements(
      bag.weights, size, offsets, [i](const Batch& b) -> const auto& { return b.bags[i].weights; });
}

void gather_sequence(const Gatherer& from, size_t i, SequenceBatch& sequence, size_t sides) {
  const auto offsets = [i](const Batch& b) -> const auto& { return b.sequences[i].offsets; };
  from.offsets(sequence.offsets, offsets);
  const size_t size = sequence.offsets.back();
  sequence.sides.resize(sides);
  for (size_t s = 0; s < sides; ++s) {
    from.elements(
        sequence.sides[s], size, offsets, [ i, s ](const Batch& b) -> const auto& { return b.sequences[i].sides[s]; });
  }
}

bool weighted(std::span<const RowRun> runs, size_t bag) {
  return std::any_of(runs.begin(), runs.end(),
                     [&](const RowRun& run) { return !run.window->columns.bags[bag].weights.empty(); });
}

}  // namespace

Batch gather(const FeatureSchema& schema, bool times, std::span<const RowRun> runs) {
  const Gatherer from(runs);
  Batch out;
  out.rows = from.rows();
  out.fields.resize(schema.fields.size());
  out.bags.resize(schema.bags.size());
  out.sequences.resize(schema.sequences.size());
  out.labels.resize(schema.labels.size());
  out.groups.resize(schema.groups.size());
  for (size_t i = 0; i < out.fields.size(); ++i) {
    from.column(
        out.fields[i], [i](const Batch& b) -> const auto& { return b.fields[i]; });
  }
  for (size_t i = 0; i < out.bags.size(); ++i) gather_bag(from, i, out.bags[i], weighted(runs, i));
  for (size_t i = 0; i < out.sequences.size(); ++i) {
    gather_sequence(from, i, out.sequences[i], schema.sequences[i].sides.size());
  }
  for (size_t i = 0; i < out.labels.size(); ++i) {
    from.column(
        out.labels[i], [i](const Batch& b) -> const auto& { return b.labels[i]; });
  }
  for (size_t i = 0; i < out.groups.size(); ++i) {
    from.column(
        out.groups[i], [i](const Batch& b) -> const auto& { return b.groups[i]; });
  }
  from.numbers(out.numbers, schema.numbers.size());
  from.column(
      out.scenario, [](const Batch& b) -> const auto& { return b.scenario; });
  from.column(
      out.row_keys, [](const Batch& b) -> const auto& { return b.row_keys; });
  if (times)
    from.column(
        out.times, [](const Batch& b) -> const auto& { return b.times; });
  return out;
}

}  // namespace polyscene::core
