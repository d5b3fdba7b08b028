#include <gtest/gtest.h>

#include <numeric>

#include "tests/dist/conformance/data.h"
#include "tests/dist/conformance/suite.h"

namespace polyscene::testing {
namespace {

Triple triple(int rank, size_t i) { return {rank, static_cast<int32_t>(i), rank * 1000 - static_cast<int32_t>(i)}; }

template <class T>
void check_all_gather(dist::Communicator& communicator, size_t count, uint64_t seed) {
  const std::vector<T> input = values<T>(seed, communicator.rank(), count);
  std::vector<T> output(count * static_cast<size_t>(communicator.size())), wanted;
  communicator.all_gather<T>(input, output);
  for (int r = 0; r < communicator.size(); ++r) {
    const std::vector<T> theirs = values<T>(seed, r, count);
    wanted.insert(wanted.end(), theirs.begin(), theirs.end());
  }
  EXPECT_TRUE(same_bits(output, wanted)) << who(communicator) << ", " << count;
}

template <class T>
void check_broadcast(dist::Communicator& communicator, size_t count, int root, uint64_t seed) {
  std::vector<T> data = values<T>(seed, communicator.rank(), count);
  communicator.broadcast<T>(data, root);
  EXPECT_TRUE(same_bits(data, values<T>(seed, root, count))) << who(communicator) << ", " << count << " from " << root;
}

// What rank `from` sends to rank `to`: lengths[from * ranks + to] elements.
void check_all_to_all(dist::Communicator& communicator, const std::vector<int64_t>& lengths) {
  const size_t ranks = static_cast<size_t>(communicator.size()), self = static_cast<size_t>(communicator.rank());
  const auto element = [&](size_t from, size_t to, size_t i) { return triple(static_cast<int>(from * 100 + to), i); };
  std::vector<int64_t> send, receive;
  std::vector<Triple> input, wanted;
  for (size_t peer = 0; peer < ranks; ++peer) {
    send.push_back(lengths[self * ranks + peer]);
    receive.push_back(lengths[peer * ranks + self]);
    for (size_t i = 0; i < static_cast<size_t>(send.back()); ++i) input.push_back(element(self, peer, i));
    for (size_t i = 0; i < static_cast<size_t>(receive.back()); ++i) wanted.push_back(element(peer, self, i));
  }
  EXPECT_EQ(communicator.exchange_counts(send), receive);
  std::vector<Triple> output(wanted.size());
  communicator.all_to_all_v<Triple>(input, send, output, receive);
  EXPECT_EQ(output, wanted) << who(communicator);
}

}  // namespace

void conformance_all_gather(dist::Communicator& communicator) {
  uint64_t seed = 200;
  for (const size_t count : kLengths) {
    check_all_gather<int64_t>(communicator, count, ++seed);
    check_all_gather<uint8_t>(communicator, count, ++seed);
  }
  check_all_gather<float>(communicator, 100'003, ++seed);
  // The input may lie in its place in the output already.
  std::vector<int32_t> ranks(static_cast<size_t>(communicator.size()), -1);
  const std::span<int32_t> own = std::span(ranks).subspan(static_cast<size_t>(communicator.rank()), 1);
  own[0] = communicator.rank();
  communicator.all_gather<int32_t>(own, ranks);
  for (int r = 0; r < communicator.size(); ++r) EXPECT_EQ(ranks[static_cast<size_t>(r)], r);
}

void conformance_all_gather_v(dist::Communicator& communicator) {
  for (int empty = 0; empty <= communicator.size(); ++empty) {
    const auto length = [&](int r) { return r == empty ? size_t{0} : static_cast<size_t>((r * 7 + empty * 13) % 40); };
    std::vector<Triple> input, wanted;
    for (size_t i = 0; i < length(communicator.rank()); ++i) input.push_back(triple(communicator.rank(), i));
    for (int r = 0; r < communicator.size(); ++r) {
      for (size_t i = 0; i < length(r); ++i) wanted.push_back(triple(r, i));
    }
    EXPECT_EQ(communicator.all_gather_v<Triple>(input), wanted) << who(communicator);
  }
  EXPECT_TRUE(communicator.all_gather_v<double>({}).empty());
}

void conformance_broadcast(dist::Communicator& communicator) {
  uint64_t seed = 300;
  for (int root = 0; root < communicator.size(); ++root) {
    for (const size_t count : kLengths) {
      check_broadcast<float>(communicator, count, root, ++seed);
      check_broadcast<uint8_t>(communicator, count, root, ++seed);
    }
    check_broadcast<int32_t>(communicator, 50'021, root, ++seed);
  }
}

void conformance_all_to_all_v(dist::Communicator& communicator) {
  const size_t ranks = static_cast<size_t>(communicator.size());
  std::vector<int64_t> lengths(ranks * ranks, 0);
  check_all_to_all(communicator, lengths);  // nothing at all
  for (size_t r = 0; r < ranks; ++r) lengths[r * ranks + r] = static_cast<int64_t>(r) + 3;
  check_all_to_all(communicator, lengths);  // everybody only to itself
  for (size_t i = 0; i < lengths.size(); ++i) lengths[i] = static_cast<int64_t>((i * 37) % 11);
  check_all_to_all(communicator, lengths);  // unequal
  for (size_t i = 0; i < lengths.size(); ++i) lengths[i] = i % ranks == 0 ? 5000 : 0;
  check_all_to_all(communicator, lengths);  // all to rank 0
  for (size_t i = 0; i < lengths.size(); ++i) lengths[i] = i / ranks == ranks - 1 ? 777 : 0;
  check_all_to_all(communicator, lengths);  // all from the last rank
  for (size_t i = 0; i < lengths.size(); ++i) lengths[i] = 20'000 + static_cast<int64_t>(i);
  check_all_to_all(communicator, lengths);  // long
}

void conformance_exchange_counts(dist::Communicator& communicator) {
  std::vector<int64_t> counts, wanted;
  for (int r = 0; r < communicator.size(); ++r) {
    counts.push_back((int64_t{1} << 40) * communicator.rank() + r);
    wanted.push_back((int64_t{1} << 40) * r + communicator.rank());
  }
  EXPECT_EQ(communicator.exchange_counts(counts), wanted);
}

}  // namespace polyscene::testing
