// One rank's point-to-point messages among the members of one communicator, every wait with a deadline. All collectives
// of the mpi implementation are made of these, not of MPI's own collectives: those cannot say who is missing, wait for
// ever, and may add in another order from one release, machine or message length to the next.
#pragma once

#include <mpi.h>

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "dist/call.h"
#include "dist/mpi/hosting.h"
#include "dist/mpi/session.h"

namespace polyscene {

class Channel {
 public:
  using Outgoing = std::vector<std::span<const std::byte>>;
  using Incoming = std::vector<std::span<std::byte>>;

  // world_ranks[r] is the world rank of member r, hosted as `hosting` says. The tags from first_tag on, as many as
  // tags(hosting), must be used by no other live channel that has two members in common with this one; they count as
  // used from now on. Throws InvalidArgument when MPI has no such tags.
  Channel(std::shared_ptr<MpiSession> session, Hosting hosting, std::vector<int> world_ranks, int rank,
          int64_t first_tag, CommunicatorOptions options);
  // The processes as the ranks of a world.
  static Channel of_processes(const std::shared_ptr<MpiSession>& session, int64_t first_tag,
                              CommunicatorOptions options);

  // MPI knows processes only, so a tag also says which rank of a process sends to which of another. Two for each such
  // pair: announcements and data.
  static int64_t tags(const Hosting& hosting) { return int64_t{2} * hosting.lanes() * hosting.lanes(); }

  // Waits until all members have made the same call, the one small message per pair that every collective begins with.
  // values[r] goes along to member r (nothing given: 0); the members' values for this rank are returned. Where `wanted`
  // is given, the value from r must equal wanted[r], on either side. Throws InvalidArgument if calls or values do not
  // fit, CommunicationError past the deadline or after a failure.
  std::vector<int64_t> arrive(const Call& call, std::span<const int64_t> values = {},
                              std::span<const int64_t> wanted = {});

  // Moves the data of a call all members have arrived at: outgoing[r] to member r, incoming[r] from it, [size] each,
  // empty where there is nothing; what is this rank's own is left alone. Lengths are known to agree. Messages longer
  // than options.chunk_bytes are cut. The deadline is that of waiting without any chunk being finished.
  void exchange(Collective collective, const Outgoing& outgoing, const Incoming& incoming);

  [[nodiscard]] int rank() const { return rank_; }
  [[nodiscard]] int size() const { return static_cast<int>(world_ranks_.size()); }
  [[nodiscard]] int world_rank(int member) const { return world_ranks_[static_cast<size_t>(member)]; }
  [[nodiscard]] const Hosting& hosting() const { return hosting_; }
  [[nodiscard]] const std::shared_ptr<MpiSession>& session() const { return session_; }
  [[nodiscard]] const CommunicatorOptions& options() const { return options_; }
  // Throws CommunicationError if a failure of any rank is known or can be learnt without waiting; from any thread.
  void check();
  // Marks the job as failed by this rank.
  void fail(const std::string& reason) noexcept { session_->fail(world_rank(rank_), reason); }

 private:
  enum class Phase { kAnnounce, kMove };
  enum class Kind { kCall, kData };
  struct Pending;
  struct Announcement;

  [[nodiscard]] int process(int member) const { return hosting_.process(world_rank(member)); }
  [[nodiscard]] int tag(Kind kind, int sender, int receiver) const;
  void check_alive(Collective collective) const;
  // Runs body, which calls MPI; throws when a failure has made an end to that.
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

}  // namespace polyscene
