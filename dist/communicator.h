// How ranks talk. A communicator is a small object with a rank and a size; one rank is a normal case (every operation
// is the identity). All members of a communicator call the same operations in the same order. Buffers are memory of
// where the communicator works, owned by the caller, contiguous; empty spans are welcome.
//   local, mpi    the host: results are there when a call returns; buffers may not be touched by others until then.
//   staged, nccl  a device: a call returns when its work is on the device's queue. What is put on that queue later sees
//                 the results, others wait_for() an event recorded after the call, and the host waits for one. Buffers
//                 may be given back once such an event is reached. What all_gather_v, exchange_counts and split tell
//                 is the host's, and there when the call returns.
//
// Every wait has a deadline. Past it CommunicationError is thrown, naming operation, rank, missing peers and seconds;
// after any failure the communicator is broken and every further call throws at once. Work on a device that fails after
// its call returned breaks the communicator too: later work on the queue runs with undefined buffers, and check() or
// the next call throws.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "ops/tensor/dtype.h"

namespace polyscene::dist {

struct Call;

enum class ReduceOp : uint8_t { kSum, kMin, kMax };

class Communicator {
 public:
  virtual ~Communicator() = default;

  [[nodiscard]] int rank() const { return rank_; }
  [[nodiscard]] int size() const { return size_; }
  // "local", "mpi", "staged over mpi", "nccl"; for messages and logs.
  [[nodiscard]] virtual std::string name() const = 0;
  // The process of the job that runs this rank, and the number of processes.
  [[nodiscard]] virtual int process() const { return 0; }
  [[nodiscard]] virtual int processes() const { return 1; }

  virtual void barrier() = 0;

  // In place, element-wise over ranks in rank order 0, 1, ...: the result is bitwise the same on every rank and every
  // run. Equal lengths on all ranks.
  template <class T>
  void all_reduce(std::span<T> data, ReduceOp op = ReduceOp::kSum) {
    do_all_reduce(data.data(), data.size(), DTypeOf<T>::value, op);
  }

  // output[r * n, (r + 1) * n) = input of rank r, n = input.size(), equal on all ranks; output.size() == n * size().
  template <class T>
  void all_gather(std::span<const T> input, std::span<T> output) {
    require(output.size() == input.size() * size_, "[dist.all_gather] rank ", rank_, ": wanted an output of ",
            input.size(), " x ", size_, " elements, got ", output.size());
    do_all_gather(input.data(), output.data(), input.size_bytes());
  }

  // Concatenation over ranks of inputs of any lengths, zero included; the same on all ranks.
  template <class T>
  [[nodiscard]] std::vector<T> all_gather_v(std::span<const T> input) {
    std::vector<T> output;
    do_all_gather_v(input.data(), input.size(), sizeof(T), [&](size_t elements) -> void* {
      output.resize(elements);
      return output.data();
    });
    return output;
  }

  // output = sum over ranks of input[rank * n, (rank + 1) * n), in rank order; input.size() == n * size().
  template <class T>
  void reduce_scatter(std::span<const T> input, std::span<T> output) {
    require(input.size() == output.size() * size_, "[dist.reduce_scatter] rank ", rank_, ": wanted an input of ",
            output.size(), " x ", size_, " elements, got ", input.size());
    do_reduce_scatter(input.data(), output.data(), output.size(), DTypeOf<T>::value);
  }

  // Everybody ends with the root's data. Equal lengths on all ranks.
  template <class T>
  void broadcast(std::span<T> data, int root) {
    require(root >= 0 && root < size_, "[dist.broadcast] rank ", rank_, ": wanted a root in [0, ", size_, "), got ",
            root);
    do_broadcast(data.data(), data.size_bytes(), root);
  }

  // Variable all-to-all: input holds send_counts[0] elements for rank 0, then send_counts[1] for rank 1, ...; output
  // receives receive_counts[r] elements from rank r, in rank order. Counts are in elements and must agree pairwise.
  template <class T>
  void all_to_all_v(std::span<const T> input, std::span<const int64_t> send_counts, std::span<T> output,
                    std::span<const int64_t> receive_counts) {
    check_counts(input.size(), send_counts, output.size(), receive_counts);
    do_all_to_all_v(input.data(), send_counts, output.data(), receive_counts, sizeof(T));
  }

  // counts[r] of this rank becomes result[this rank] of rank r: one element to and from each.
  [[nodiscard]] std::vector<int64_t> exchange_counts(std::span<const int64_t> counts) {
    require(counts.size() == static_cast<size_t>(size_), "[dist.exchange_counts] rank ", rank_, ": wanted ", size_,
            " counts, one per rank, got ", counts.size());
    return do_exchange_counts(counts);
  }

  // Ranks of equal `color` form a new communicator, ordered by their rank here. Collective.
  [[nodiscard]] virtual std::unique_ptr<Communicator> split(int color) = 0;

  // Makes every pending and later wait of all ranks fail soon; for a rank that is going down with an error.
  // Any thread may call it at any time.
  virtual void abort(const std::string& reason) noexcept = 0;

  // Throws CommunicationError if the communicator is broken, as far as is known here, by a failure of any rank; does
  // not wait. Any thread may call it at any time. After the host has waited for results of a device, it says whether
  // they can be trusted.
  virtual void check() = 0;

 protected:
  // The operations of another communicator without types, for a communicator that is made over it and whose caller has
  // passed the checks above.
  class Untyped {
   public:
    // `communicator` must outlive it.
    explicit Untyped(Communicator& communicator) : communicator_(communicator) {}

    void meet(const Call& call, std::span<const int64_t> send_counts, std::span<const int64_t> receive_counts) const {
      communicator_.do_meet(call, send_counts, receive_counts);
    }
    void all_reduce(void* data, size_t count, DType dtype, ReduceOp op) const {
      communicator_.do_all_reduce(data, count, dtype, op);
    }
    void all_gather(const void* input, void* output, size_t bytes) const {
      communicator_.do_all_gather(input, output, bytes);
    }
    void all_gather_v(const void* input, size_t count, size_t element_bytes,
                      const std::function<void*(size_t elements)>& allocate) const {
      communicator_.do_all_gather_v(input, count, element_bytes, allocate);
    }
    void reduce_scatter(const void* input, void* output, size_t count, DType dtype) const {
      communicator_.do_reduce_scatter(input, output, count, dtype);
    }
    [[nodiscard]] std::vector<int64_t> exchange_counts(std::span<const int64_t> counts) const {
      return communicator_.do_exchange_counts(counts);
    }
    void broadcast(void* data, size_t bytes, int root) const { communicator_.do_broadcast(data, bytes, root); }
    void all_to_all_v(const void* input, std::span<const int64_t> send_counts, void* output,
                      std::span<const int64_t> receive_counts, size_t element_bytes) const {
      communicator_.do_all_to_all_v(input, send_counts, output, receive_counts, element_bytes);
    }

   private:
    Communicator& communicator_;
  };

  Communicator(int rank, int size) : rank_(rank), size_(size) {}

 private:
  // The operations of an implementation, called after the checks above.

  // Waits until all members have come with the same call, and with counts that fit where it is all_to_all_v (else
  // none). Throws InvalidArgument with both calls in words if not.
  virtual void do_meet(const Call& call, std::span<const int64_t> send_counts,
                       std::span<const int64_t> receive_counts) = 0;
  virtual void do_all_reduce(void* data, size_t count, DType dtype, ReduceOp op) = 0;
  virtual void do_all_gather(const void* input, void* output, size_t bytes) = 0;
  // Calls allocate(elements of all ranks) once, after the counts are known, and fills what it returns.
  virtual void do_all_gather_v(const void* input, size_t count, size_t element_bytes,
                               const std::function<void*(size_t elements)>& allocate) = 0;
  virtual void do_reduce_scatter(const void* input, void* output, size_t count, DType dtype) = 0;
  [[nodiscard]] virtual std::vector<int64_t> do_exchange_counts(std::span<const int64_t> counts) = 0;
  virtual void do_broadcast(void* data, size_t bytes, int root) = 0;
  virtual void do_all_to_all_v(const void* input, std::span<const int64_t> send_counts, void* output,
                               std::span<const int64_t> receive_counts, size_t element_bytes) = 0;

  void check_counts(size_t input, std::span<const int64_t> send, size_t output, std::span<const int64_t> receive) const;

  int rank_, size_;
};

struct CommunicatorOptions {
  std::chrono::duration<double> deadline = std::chrono::seconds(600);  // of every single wait
  size_t chunk_bytes = size_t{64} << 20;                               // mpi: longer messages are cut; at most 2^31 - 1
};

}  // namespace polyscene::dist
