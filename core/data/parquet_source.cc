// BatchSource over Parquet files: a plan, and per epoch a pipeline of decoding threads (WindowFeed), one thread that
// builds batches, and a bounded queue.
#include <arrow/type.h>

#include <memory>
#include <mutex>
#include <thread>
#include <utility>

#include "core/data/batch_builder.h"
#include "core/data/batch_source.h"
#include "core/data/bounded_queue.h"
#include "core/data/read_plan.h"
#include "core/data/reject_log.h"
#include "ops/base/error.h"
#include "ops/base/thread.h"

namespace polyscene::core {
namespace {

// The pipeline of one epoch. Its destructor stops it at any point.
class Pipeline {
 public:
  Pipeline(const ReadPlan& plan, int64_t epoch, int64_t first_step)
      : builder_(plan, epoch, first_step), queue_(plan.data.prefetch()), thread_(start_thread([this] { run(); })) {}

  ~Pipeline() {
    queue_.finish();
    builder_.stop();
    thread_.join();
  }

  [[nodiscard]] std::optional<ReadBatch> next() { return queue_.pop(); }

 private:
  void run() {
    try {
      while (auto batch = builder_.next()) {
        if (!queue_.push(std::move(*batch))) return;
      }
      queue_.finish();
    } catch (...) {
      queue_.finish(std::current_exception());
    }
  }

  BatchBuilder builder_;
  BoundedQueue<ReadBatch> queue_;
  std::thread thread_;
};

class ParquetSource : public BatchSource {
 public:
  ParquetSource(const config::Data& data, const SourceOptions& options) : plan_(data, options), rejects_(plan_) {}

  [[nodiscard]] int64_t total_rows() const override { return plan_.split.rows; }
  [[nodiscard]] const SplitFiles& files() const override { return plan_.split; }
  [[nodiscard]] int64_t steps_per_epoch() const override { return plan_.order.steps(); }
  [[nodiscard]] SourceCounters counters() const override {
    const std::lock_guard lock(mutex_);
    return counters_;
  }

  [[nodiscard]] std::shared_ptr<arrow::Schema> carried_schema() const override { return plan_.carrier.schema(); }

  void start_epoch(int64_t epoch) override { resume_epoch(epoch, 0); }

  void resume_epoch(int64_t epoch, int64_t step) override {
    require(step >= 0 && step <= plan_.order.steps(), "[data] wanted to resume at a step of 0 .. ", plan_.order.steps(),
            ", got ", step);
    pipeline_.reset();
    failure_ = nullptr;
    started_ = true;
    reset_counters();
    rejects_.start_epoch();
    pipeline_ = std::make_unique<Pipeline>(plan_, epoch, step);
  }

  [[nodiscard]] std::optional<Batch> next() override {
    require(started_, "[data] wanted start_epoch() before next()");
    if (failure_) std::rethrow_exception(failure_);
    if (pipeline_ == nullptr) return std::nullopt;
    try {
      return read();
    } catch (...) {
      failure_ = std::current_exception();
      pipeline_.reset();
      throw;
    }
  }

 private:
  std::optional<Batch> read() {
    auto batch = pipeline_->next();
    if (!batch) {
      pipeline_.reset();
      return std::nullopt;
    }
    count(batch->counters);
    rejects_.add(*batch);
    count_unlisted();
    // Judged with the last batch, because callers that know the number of steps do not call next() again.
    if (batch->batch.step + 1 == plan_.order.steps()) {
      count_tail();
      rejects_.finish_epoch();
    }
    return std::move(batch->batch);
  }

  void reset_counters() {
    const std::lock_guard lock(mutex_);
    counters_ = {};
  }

  void count(const SourceCounters& more) {
    const std::lock_guard lock(mutex_);
    counters_.rows_read += more.rows_read;
    counters_.rows_bad += more.rows_bad;
    counters_.sequences_cut += more.sequences_cut;
    counters_.bags_cut += more.bags_cut;
    counters_.rows_skipped += more.rows_skipped;
  }

  void count_unlisted() {
    const std::lock_guard lock(mutex_);
    counters_.rows_unlisted = rejects_.unlisted();
  }

  void count_tail() {
    const auto used = plan_.order.lane_positions(plan_.order.steps());
    const std::lock_guard lock(mutex_);
    for (size_t lane = plan_.first_lane; lane < static_cast<size_t>(plan_.last_lane); ++lane) {
      counters_.rows_dropped_tail += plan_.order.lane_rows()[lane] - used[lane];
    }
  }

  const ReadPlan plan_;
  RejectLog rejects_;
  mutable std::mutex mutex_;
  SourceCounters counters_;
  std::unique_ptr<Pipeline> pipeline_;
  std::exception_ptr failure_;
  bool started_ = false;
};

}  // namespace

std::unique_ptr<BatchSource> make_parquet_source(const config::Data& data, const SourceOptions& options) {
  return std::make_unique<ParquetSource>(data, options);
}

}  // namespace polyscene::core
