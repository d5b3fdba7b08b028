// One rank's point-to-point messages to the members of one communicator, with a deadline for every wait. All
// collectives of the mpi implementation are built on these, not on MPI's own collectives, which cannot name a missing
// rank, may wait for ever, and may add in another order with another release, machine or message length.
#pragma once

#include <mpi.h>

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "dist/call.h"
#include "dist/mpi/hosting.h"
#include "dist/mpi/session.h"

namespace polyscene::dist {

class Channel {
 public:
  using Outgoing = std::vector<std::span<const std::byte>>;
  using Incoming = std::vector<std::span<std::byte>>;

  // world_ranks[r] is the world rank of member r; `hosting` tells its process. The channel uses tags(hosting) tags from
  // first_tag on; no other live channel that shares two members with it may use them, and they count as used from now
  // on. Throws InvalidArgument if MPI does not have that many tags.
  Channel(std::shared_ptr<MpiSession> session, Hosting hosting, std::vector<int> world_ranks, int rank,
          int64_t first_tag, CommunicatorOptions options);
  // A channel whose members are the processes.
  static Channel of_processes(const std::shared_ptr<MpiSession>& session, int64_t first_tag,
                              CommunicatorOptions options);

  // The number of tags that a channel needs. MPI addresses processes only, so a tag also encodes which rank of a
  // process sends to which rank of another. Each such pair has two tags: one for announcements, one for data.
  static int64_t tags(const Hosting& hosting) { return int64_t{2} * hosting.lanes() * hosting.lanes(); }

  // Waits until all members have made the same call: every collective begins with one small message per pair. Sends
  // values[r] to member r (0 if `values` is empty) and returns the members' values for this rank. If `wanted` is given,
  // the value from r must equal wanted[r], on both sides. Throws InvalidArgument if calls or values differ,
  // CommunicationError past the deadline or after a failure.
  std::vector<int64_t> arrive(const Call& call, std::span<const int64_t> values = {},
                              std::span<const int64_t> wanted = {});

  // Moves the data of a call at which all members have arrived: outgoing[r] to member r, incoming[r] from it, [size]
  // each, empty if there is nothing; this rank's own entries are ignored. Lengths are known to agree. Messages longer
  // than options.chunk_bytes are cut into chunks. The deadline limits the time in which no chunk finishes.
  void exchange(Collective collective, const Outgoing& outgoing, const Incoming& incoming);

  [[nodiscard]] int rank() const { return rank_; }
  [[nodiscard]] int size() const { return static_cast<int>(world_ranks_.size()); }
  [[nodiscard]] int world_rank(int member) const { return world_ranks_[member]; }
  [[nodiscard]] int process(int member) const { return hosting_.process(world_rank(member)); }
  [[nodiscard]] const Hosting& hosting() const { return hosting_; }
  [[nodiscard]] const std::shared_ptr<MpiSession>& session() const { return session_; }
  [[nodiscard]] const CommunicatorOptions& options() const { return options_; }
  // Throws CommunicationError if a failure of any rank is known or can be read without waiting. May be called on any
  // thread.
  void check();
  // Marks the job as failed by this rank.
  void fail(const std::string& reason) noexcept { session_->fail(world_rank(rank_), reason); }

 private:
  enum class Phase { kAnnounce, kMove };
  enum class Kind { kCall, kData };
  struct Pending;
  struct Announcement;

  [[nodiscard]] int tag(Kind kind, int sender, int receiver) const;
  void check_alive(Collective collective) const;
  // Runs `body`, which calls MPI; throws if a failure has ended the use of MPI.
  template <class Body>
  void call_mpi(Collective collective, Body&& body) {
    if (!session_->call_mpi(body)) throw_peer_failure(collective);
  }
  void wait(Collective collective, Pending& pending, Phase phase);
  [[noreturn]] void time_out(Collective collective, const Pending& pending);
  [[noreturn]] void throw_peer_failure(Collective collective) const;
  void post_announcements(Collective collective, std::vector<Announcement>& sent, std::vector<Announcement>& received,
                          Pending& pending);
  void compare(const std::vector<Announcement>& sent, const std::vector<Announcement>& received);
  [[noreturn]] void fail_argument(const std::string& message);

  std::shared_ptr<MpiSession> session_;
  Hosting hosting_;
  std::vector<int> world_ranks_;
  int rank_;
  int first_tag_;
  CommunicatorOptions options_;
};

}  // namespace polyscene::dist
