// Runs one failure scenario as one process of an mpirun job:  dist_mpi_scenario NAME [RANKS]. The process is a rank, or
// hosts its share of RANKS. What a rank throws is printed as "ERROR rank message", and the kind of what the run
// rethrows is the exit code, as in any program of ours.
#include <signal.h>
#include <unistd.h>

#include <iostream>
#include <map>
#include <thread>

#include "dist/world.h"
#include "tests/dist/failure/scenario.h"

namespace polyscene::dist {
namespace {

using Body = std::function<void(Communicator&)>;

void reduce(Communicator& world, size_t floats) {
  std::vector<float> data(floats, 1.0f);
  world.all_reduce<float>(data);
}

void reduce_forever(Communicator& world, size_t floats) {
  for (;;) reduce(world, floats);
}

// Rank 1 meets its end by `end` while the others work. It may leave the first reduction before they do: they stand in a
// reduction whenever it ends.
Body others_work_while_rank_1(void (*end)()) {
  return [end](Communicator& world) {
    reduce(world, 10);
    if (world.rank() == 1) end();
    reduce_forever(world, 10);
  };
}

// Stops the whole process at some time in the middle of moving data.
void stop_soon() {
  std::thread([] {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    ::raise(SIGSTOP);
  }).detach();
}

void swallow(Communicator& world) {
  try {
    if (world.rank() == 1) throw DataError("nobody hears of this");
    world.barrier();
  } catch (const Error&) {
    if (world.rank() == 1) world.abort("rank 1 went on as if nothing had happened");
  }
}

// What only a process can do.
const std::map<std::string, Body>& process_scenarios() {
  static const std::map<std::string, Body> all = {
      {"killed", others_work_while_rank_1([] { ::raise(SIGKILL); })},
      {"stopped", others_work_while_rank_1([] { ::raise(SIGSTOP); })},
      {"exited_with_0", others_work_while_rank_1([] { std::exit(0); })},
      {"exited_with_0_at_once", others_work_while_rank_1([] { ::_exit(0); })},
      {"exited_with_7", others_work_while_rank_1([] { std::exit(7); })},
      {"stopped_while_data_moves",
       [](Communicator& world) {
         if (world.rank() == 1) stop_soon();
         reduce_forever(world, size_t{16} << 20);
       }},
      {"swallowed", swallow},
      {"late_at_the_end",
       [](Communicator& world) {
         if (world.rank() == 1) std::this_thread::sleep_for(2 * testing::kDeadline);
       }},
  };
  return all;
}

Body body_of(const std::string& name) {
  const auto found = process_scenarios().find(name);
  return found != process_scenarios().end() ? found->second : testing::scenario(name).body;
}

void say(const std::string& rank, const std::string& error) {
  std::cerr << "ERROR " + rank + " " + error + "\n" << std::flush;
}

// Ranks start at different times: the first meeting has more time than those of the scenario.
std::unique_ptr<Communicator> meet(const std::string& name) {
  auto start = make_mpi_world({.deadline = std::chrono::seconds(name == "late_at_the_end" ? 1 : 60)});
  start->barrier();
  return start;
}

void run(const std::string& name, std::string& rank) {
  const auto start = meet(name);
  rank = std::to_string(start->rank());
  run_mpi_rank(body_of(name), {.deadline = testing::kDeadline});
}

void run_hosted(const std::string& name, int ranks) {
  const auto start = meet(name);
  const auto body = [scenario = body_of(name)](Communicator& world) {
    try {
      scenario(world);
    } catch (const std::exception& error) {
      say(std::to_string(world.rank()), error.what());
      throw;
    }
  };
  run_mpi_ranks(ranks, body, {.deadline = testing::kDeadline});
}

// The communicator is left by an exception that nobody reported.
void run_unreported(std::string& rank) {
  const auto world = make_mpi_world({.deadline = std::chrono::seconds(60)});
  rank = std::to_string(world->rank());
  world->barrier();
  if (world->rank() == 1) throw DataError("not reported");
  world->barrier();
}

void run_again_after_the_end(std::string& rank) {
  rank = std::to_string(make_mpi_world({.deadline = std::chrono::seconds(60)})->rank());
  static_cast<void>(make_mpi_world());
}

void run_again_after_a_failure() {
  make_mpi_world()->abort("gone");
  static_cast<void>(make_mpi_world());
}

}  // namespace
}  // namespace polyscene::dist

int main(int argc, char** argv) {
  const std::string name = argc >= 2 ? argv[1] : "";
  std::string rank = "?";
  const auto say = [&](const std::string& error) { polyscene::dist::say(rank, error); };
  try {
    if (argc == 3)
      polyscene::dist::run_hosted(name, std::atoi(argv[2]));
    else if (name == "unreported")
      polyscene::dist::run_unreported(rank);
    else if (name == "again_after_the_end")
      polyscene::dist::run_again_after_the_end(rank);
    else if (name == "again_after_a_failure")
      polyscene::dist::run_again_after_a_failure();
    else
      polyscene::dist::run(name, rank);
    return 0;
  } catch (const polyscene::Error& error) {
    say(error.what());
    return static_cast<int>(error.kind());
  } catch (const std::exception& error) {
    say(error.what());
  } catch (...) {
    say("an exception that is not a std::exception");
  }
  return 1;
}
