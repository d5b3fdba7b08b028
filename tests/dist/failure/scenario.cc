#include "tests/dist/failure/scenario.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <stdexcept>
#include <thread>

namespace polyscene::testing {
namespace {

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

template <class T>
void all_reduce(dist::Communicator& communicator, size_t count, dist::ReduceOp op = dist::ReduceOp::kSum) {
  std::vector<T> data(count, T{1});
  communicator.all_reduce<T>(data, op);
}

template <class T>
void all_gather(dist::Communicator& communicator, size_t count) {
  std::vector<T> input(count), output(count * static_cast<size_t>(communicator.size()));
  communicator.all_gather<T>(input, output);
}

void reduce_scatter(dist::Communicator& communicator, size_t count) {
  std::vector<float> input(count * static_cast<size_t>(communicator.size())), output(count);
  communicator.reduce_scatter<float>(input, output);
}

void broadcast(dist::Communicator& communicator, int root) {
  std::vector<float> data(10);
  communicator.broadcast<float>(data, root);
}

template <class T>
void all_to_all(dist::Communicator& communicator, int64_t send, int64_t receive) {
  const size_t ranks = static_cast<size_t>(communicator.size());
  std::vector<T> input(ranks * static_cast<size_t>(send)), output(ranks * static_cast<size_t>(receive));
  communicator.all_to_all_v<T>(input, std::vector<int64_t>(ranks, send), output, std::vector<int64_t>(ranks, receive));
}

template <class T>
void all_gather_v(dist::Communicator& communicator) {
  static_cast<void>(communicator.all_gather_v<T>(std::vector<T>(3)));
}

// Comes when the others have given up on this rank, however long that takes on a busy machine. `own` is a part of the
// world that holds nobody else: its calls wait for no one and throw once the world has failed.
void come_late(dist::Communicator& own) {
  for (const auto start = std::chrono::steady_clock::now(); std::chrono::steady_clock::now() - start < kLate;) {
    std::this_thread::sleep_for(kDeadline / 50);
    try {
      own.barrier();
    } catch (const CommunicationError&) {
      return;
    }
  }
}

void expect_echo(const Outcome& outcome, int rank, const std::string& origin) {
  const std::string& error = outcome.errors[static_cast<size_t>(rank)];
  EXPECT_TRUE(contains(error, str("rank ", rank, " of ", outcome.errors.size(), " stopped because ", origin)))
      << "rank " << rank << " said: " << error << "\nwanted: stopped because " << origin;
}

void expect_in_time(const Outcome& outcome) { EXPECT_LT(outcome.seconds, 15.0); }

// Ranks 1 and 3 do not come; at least one of the others says so, and all end.
Scenario timeout(const NamedCall& named) {
  const auto body = [call = named.call](dist::Communicator& communicator) {
    const auto own = communicator.split(communicator.rank());
    if (communicator.rank() % 2 == 1) come_late(*own);
    call(communicator);
    communicator.barrier();  // messages sent before the deadline may still let the late ones through their first call
  };
  const auto check = [name = named.name](const Outcome& outcome) {
    const auto text = [&](int rank) {
      return str("[dist.", name, "] rank ", rank,
                 " of 4 waited 1.0 s for ranks 1, 3; look at what they were doing, or ",
                 "raise --deadline if they are only slow");
    };
    const auto is_first = [&](int rank) { return outcome.errors[static_cast<size_t>(rank)] == text(rank); };
    EXPECT_TRUE(is_first(0) || is_first(2)) << outcome.errors[0] << "\n" << outcome.errors[2];
    for (int rank = 0; rank < 4; ++rank) {
      const int origin = is_first(0) ? 0 : 2;
      if (rank % 2 == 1)
        expect_echo(outcome, rank, "rank ");
      else if (!is_first(rank))
        expect_echo(outcome, rank, str("rank ", origin, " of the world failed: ", text(origin)));
    }
    EXPECT_EQ(outcome.exit_code, 5);
    expect_in_time(outcome);
  };
  return {"timeout_" + named.name, 4, body, check};
}

// A name of one missing rank, inside a part of the world; the other part ends as well.
Scenario timeout_in_a_part() {
  const auto body = [](dist::Communicator& communicator) {
    const auto part = communicator.split(communicator.rank() / 2), own = communicator.split(communicator.rank());
    if (communicator.rank() == 3) come_late(*own);
    all_reduce<float>(*part, 10);
    communicator.barrier();
  };
  const auto check = [](const Outcome& outcome) {
    const std::string text = "[dist.all_reduce] rank 0 of 2 waited 1.0 s for rank 1; look";
    const bool other_part_first = contains(outcome.errors[0] + outcome.errors[1], "[dist.barrier] rank ") &&
                                  contains(outcome.errors[0] + outcome.errors[1], "waited 1.0 s for ranks 2, 3; look");
    EXPECT_TRUE(contains(outcome.errors[2], text) || other_part_first) << outcome.errors[2] << outcome.errors[0];
    for (const std::string& error : outcome.errors) EXPECT_FALSE(error.empty());
    EXPECT_TRUE(contains(outcome.errors[3], " stopped because rank ")) << outcome.errors[3];
    EXPECT_EQ(outcome.exit_code, 5);
    expect_in_time(outcome);
  };
  return {"timeout_in_a_part", 4, body, check};
}

// `bytes_of_floats` sets how deep the others are in a call when rank 2 throws.
Scenario throw_midway(const std::string& name, size_t floats) {
  const auto body = [floats](dist::Communicator& communicator) {
    for (int i = 0; i < 10; ++i) {
      if (communicator.rank() == 2 && i == 5) throw DataError("[core.data] record 17 is bad");
      all_reduce<float>(communicator, floats);
    }
  };
  const auto check = [](const Outcome& outcome) {
    EXPECT_EQ(outcome.errors[2], "[core.data] record 17 is bad");
    for (const int rank : {0, 1, 3}) {
      expect_echo(outcome, rank, "rank 2 of the world failed: [core.data] record 17 is bad");
    }
    EXPECT_EQ(outcome.exit_code, 3);
    expect_in_time(outcome);
  };
  return {name, 4, body, check};
}

Scenario first_error_wins() {
  const auto body = [](dist::Communicator& communicator) {
    if (communicator.rank() == 1) throw InvalidArgument("the first");
    if (communicator.rank() == 3) {
      std::this_thread::sleep_for(kDeadline / 2);
      throw DataError("the second");
    }
    communicator.barrier();
  };
  const auto check = [](const Outcome& outcome) {
    for (const int rank : {0, 2}) expect_echo(outcome, rank, "rank 1 of the world failed: the first");
    EXPECT_EQ(outcome.errors[1], "the first");
    EXPECT_EQ(outcome.errors[3], "the second");
    EXPECT_EQ(outcome.exit_code, 2);
    expect_in_time(outcome);
  };
  return {"first_error_wins", 4, body, check};
}

Scenario abort_without_throwing() {
  const auto body = [](dist::Communicator& communicator) {
    if (communicator.rank() == 0) return communicator.abort("asked to stop");
    communicator.barrier();
  };
  const auto check = [](const Outcome& outcome) {
    EXPECT_EQ(outcome.errors[0], "");
    for (const int rank : {1, 2}) expect_echo(outcome, rank, "rank 0 of the world failed: asked to stop");
    EXPECT_NE(outcome.exit_code, 0);
    expect_in_time(outcome);
  };
  return {"abort_without_throwing", 3, body, check};
}

Scenario throw_of_no_exception() {
  const auto body = [](dist::Communicator& communicator) {
    if (communicator.rank() == 1) throw 42;
    communicator.barrier();
  };
  const auto check = [](const Outcome& outcome) {
    expect_echo(outcome, 0, "rank 1 of the world failed: an exception that is not a std::exception");
    EXPECT_NE(outcome.exit_code, 0);
  };
  return {"throw_of_no_exception", 2, body, check};
}

// Rank 0 outlives the failure and tries everything again, on the world and on a part of it.
Scenario broken_stays_broken() {
  const auto body = [](dist::Communicator& communicator) {
    const auto part = communicator.split(0);
    if (communicator.rank() == 1) throw DataError("gone");
    try {
      communicator.barrier();
    } catch (const CommunicationError&) {
      std::vector<NamedCall> calls = all_calls();
      calls.push_back({"check", [](dist::Communicator& c) { c.check(); }});
      for (const NamedCall& named : calls) {
        for (dist::Communicator* broken : {&communicator, part.get()}) {
          const auto start = std::chrono::steady_clock::now();
          try {
            named.call(*broken);
            throw std::logic_error(named.name + " worked on a broken communicator");
          } catch (const CommunicationError&) {
            const bool at_once = std::chrono::steady_clock::now() - start < kDeadline / 2;
            require<DataError>(at_once, named.name, " waited on a broken communicator");
          }
        }
      }
      throw;
    }
  };
  const auto check = [](const Outcome& outcome) {
    expect_echo(outcome, 0, "rank 1 of the world failed: gone");
    EXPECT_EQ(outcome.exit_code, 3);
    expect_in_time(outcome);
  };
  return {"broken_stays_broken", 2, body, check};
}

// Rank 2 makes another call than ranks 0 and 1. All end, and at least one names both calls.
Scenario mismatch(const std::string& name, const std::string& common_text, const std::string& odd_text,
                  void (*common)(dist::Communicator&), void (*odd)(dist::Communicator&)) {
  const auto body = [common, odd](dist::Communicator& communicator) {
    (communicator.rank() == 2 ? odd : common)(communicator);
    communicator.barrier();
  };
  const auto check = [common_text, odd_text](const Outcome& outcome) {
    const auto names_both = [&](const std::string& error) {
      return contains(error, str(" called ", common_text, " but rank 2 called ", odd_text)) ||
             contains(error, str(" called ", odd_text, " but rank 0 called ", common_text)) ||
             contains(error, str(" called ", odd_text, " but rank 1 called ", common_text));
    };
    for (const std::string& error : outcome.errors) EXPECT_TRUE(names_both(error)) << error;
    EXPECT_EQ(outcome.exit_code, 2);
    expect_in_time(outcome);
  };
  return {"mismatch_" + name, 3, body, check};
}

Scenario mismatch_of_pairwise_counts() {
  const auto body = [](dist::Communicator& communicator) {
    all_to_all<float>(communicator, 5, communicator.rank() == 2 ? 6 : 5);
    communicator.barrier();
  };
  const auto check = [](const Outcome& outcome) {
    const std::string text = "but rank 2 wants 6 from it; send and receive counts must agree pairwise";
    for (const std::string& error : outcome.errors) EXPECT_TRUE(contains(error, text)) << error;
    EXPECT_EQ(outcome.exit_code, 2);
    expect_in_time(outcome);
  };
  // Rank 2 also disagrees with itself: the check must not depend on messages.
  return {"mismatch_of_pairwise_counts", 3, body, check};
}

std::vector<Scenario> mismatches() {
  using C = dist::Communicator;
  return {
      mismatch(
          "of_lengths", "all_reduce(100 x float32, sum)", "all_reduce(90 x float32, sum)",
          [](C& c) { all_reduce<float>(c, 100); }, [](C& c) { all_reduce<float>(c, 90); }),
      mismatch(
          "of_types", "all_reduce(8 x int64, sum)", "all_reduce(8 x float64, sum)",
          [](C& c) { all_reduce<int64_t>(c, 8); }, [](C& c) { all_reduce<double>(c, 8); }),
      mismatch(
          "of_reductions", "all_reduce(8 x int32, min)", "all_reduce(8 x int32, max)",
          [](C& c) { all_reduce<int32_t>(c, 8, dist::ReduceOp::kMin); },
          [](C& c) { all_reduce<int32_t>(c, 8, dist::ReduceOp::kMax); }),
      mismatch(
          "of_operations", "barrier()", "split()", [](C& c) { c.barrier(); },
          [](C& c) { static_cast<void>(c.split(0)); }),
      mismatch(
          "of_roots", "broadcast(40 bytes from rank 0)", "broadcast(40 bytes from rank 2)",
          [](C& c) { broadcast(c, 0); }, [](C& c) { broadcast(c, 2); }),
      mismatch(
          "of_gathered_lengths", "all_gather(4 bytes)", "all_gather(8 bytes)", [](C& c) { all_gather<float>(c, 1); },
          [](C& c) { all_gather<float>(c, 2); }),
      mismatch(
          "of_scattered_lengths", "reduce_scatter(1 x float32, sum)", "reduce_scatter(0 x float32, sum)",
          [](C& c) { reduce_scatter(c, 1); }, [](C& c) { reduce_scatter(c, 0); }),
      mismatch(
          "of_element_sizes", "all_to_all_v(elements of 4 bytes)", "all_to_all_v(elements of 8 bytes)",
          [](C& c) { all_to_all<float>(c, 1, 1); }, [](C& c) { all_to_all<double>(c, 1, 1); }),
      mismatch(
          "of_gathered_elements", "all_gather_v(elements of 4 bytes)", "all_gather_v(elements of 8 bytes)",
          [](C& c) { all_gather_v<float>(c); }, [](C& c) { all_gather_v<double>(c); }),
      mismatch_of_pairwise_counts(),
  };
}

std::vector<Scenario> make_scenarios() {
  std::vector<Scenario> all;
  for (const NamedCall& named : all_calls()) all.push_back(timeout(named));
  all.push_back(timeout_in_a_part());
  all.push_back(throw_midway("throw_midway", 10));
  all.push_back(throw_midway("throw_while_others_move_long_data", size_t{3} << 20));
  all.push_back(first_error_wins());
  all.push_back(abort_without_throwing());
  all.push_back(throw_of_no_exception());
  all.push_back(broken_stays_broken());
  for (Scenario& each : mismatches()) all.push_back(std::move(each));
  return all;
}

}  // namespace

const std::vector<NamedCall>& all_calls() {
  using C = dist::Communicator;
  static const std::vector<NamedCall> calls = {
      {"barrier", [](C& c) { c.barrier(); }},
      {"all_reduce", [](C& c) { all_reduce<float>(c, 10); }},
      {"all_gather", [](C& c) { all_gather<float>(c, 10); }},
      {"all_gather_v", [](C& c) { all_gather_v<float>(c); }},
      {"reduce_scatter", [](C& c) { reduce_scatter(c, 10); }},
      {"broadcast", [](C& c) { broadcast(c, 0); }},
      {"all_to_all_v", [](C& c) { all_to_all<float>(c, 2, 2); }},
      {"exchange_counts",
       [](C& c) { static_cast<void>(c.exchange_counts(std::vector<int64_t>(static_cast<size_t>(c.size())))); }},
      {"split", [](C& c) { static_cast<void>(c.split(0)); }},
  };
  return calls;
}

const std::vector<Scenario>& scenarios() {
  static const std::vector<Scenario> all = make_scenarios();
  return all;
}

const Scenario& scenario(const std::string& name) {
  const auto found =
      std::find_if(scenarios().begin(), scenarios().end(), [&](const Scenario& each) { return each.name == name; });
  require(found != scenarios().end(), "[tests.dist] no scenario ", name);
  return *found;
}

}  // namespace polyscene::testing
