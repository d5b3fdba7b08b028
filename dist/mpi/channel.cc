#include "dist/mpi/channel.h"

#include <algorithm>
#include <numeric>

#include "dist/mpi/backoff.h"

namespace polyscene::dist {
namespace {

// How long the data of a call at which all members had arrived may still take to move after the job has failed.
constexpr std::chrono::milliseconds kDataGrace(500);
// Number of polls between two checks of the clock and of other ranks' notices.
constexpr int kPollsPerLook = 16;
// Stands for a value that the receiver does not know in advance.
constexpr int64_t kAnything = -1;

}  // namespace

// Pending requests and the member that each waits for. Does not own the buffers.
struct Channel::Pending {
  std::vector<MPI_Request> requests;
  std::vector<int> peers;
  std::vector<int> finished;  // scratch memory of MPI_Testsome

  MPI_Request* add(int peer) {
    peers.push_back(peer);
    return &requests.emplace_back(MPI_REQUEST_NULL);
  }

  // The number of requests that finished in this poll, MPI_UNDEFINED if none is left.
  int poll() {
    int count = 0;
    finished.resize(requests.size());
    check_mpi(
        MPI_Testsome(static_cast<int>(requests.size()), requests.data(), &count, finished.data(), MPI_STATUSES_IGNORE),
        "MPI_Testsome");
    return count;
  }

  [[nodiscard]] std::vector<int> missing() const {
    std::vector<int> ranks;
    for (size_t i = 0; i < requests.size(); ++i) {
      if (requests[i] != MPI_REQUEST_NULL) ranks.push_back(peers[i]);
    }
    std::sort(ranks.begin(), ranks.end());
    ranks.erase(std::unique(ranks.begin(), ranks.end()), ranks.end());
    return ranks;
  }
};

struct Channel::Announcement {
  Call call;
  int64_t value = 0;
  int64_t wanted = kAnything;
};

Channel::Channel(std::shared_ptr<MpiSession> session, Hosting hosting, std::vector<int> world_ranks, int rank,
                 int64_t first_tag, CommunicatorOptions options)
    : session_(std::move(session)),
      hosting_(hosting),
      world_ranks_(std::move(world_ranks)),
      rank_(rank),
      first_tag_(static_cast<int>(first_tag)),
      options_(options) {
  const int64_t end = first_tag + tags(hosting_);
  require(end <= session_->max_tag(), "[dist.split] this MPI library has tags up to ", session_->max_tag(),
          ", a communicator of this world needs ", tags(hosting_),
          " of them and all have been used; split once and keep the result");
  require(options_.chunk_bytes >= 1 && options_.chunk_bytes <= INT32_MAX,
          "[dist.make_mpi_world] wanted chunk_bytes between 1 and 2^31 - 1, got ", options_.chunk_bytes);
  session_->use_tags_below(end);
}

Channel Channel::of_processes(const std::shared_ptr<MpiSession>& session, int64_t first_tag,
                              CommunicatorOptions options) {
  std::vector<int> ranks(session->size());
  std::iota(ranks.begin(), ranks.end(), 0);
  return {session, {session->size(), session->size()}, std::move(ranks), session->rank(), first_tag, options};
}

int Channel::tag(Kind kind, int sender, int receiver) const {
  const int pair = hosting_.lane(world_rank(sender)) * hosting_.lanes() + hosting_.lane(world_rank(receiver));
  return first_tag_ + 2 * pair + static_cast<int>(kind);
}

void Channel::check_alive(Collective collective) const {
  if (session_->failure()) throw_peer_failure(collective);
}

void Channel::check() {
  session_->poll();
  check_alive(Collective::kCheck);
}

void Channel::throw_peer_failure(Collective collective) const {
  throw CommunicationError(describe_peer_failure(collective, rank_, size(), *session_->failure()));
}

void Channel::fail_argument(const std::string& message) {
  fail(message);
  throw InvalidArgument(message);
}

void Channel::time_out(Collective collective, const Pending& pending) {
  const std::string message = describe_timeout(collective, rank_, size(), options_.deadline.count(), pending.missing());
  fail(message);
  throw CommunicationError(message);
}

// While calls are announced, another rank's failure ends the wait at once. While data moves, a failure ends it only
// after nothing has moved for a while: members of the same call finish it as long as they live, and leaving earlier
// would let others read memory that is about to be freed.
void Channel::wait(Collective collective, Pending& pending, Phase phase) {
  Backoff backoff;
  const Backoff::Clock::duration grace = phase == Phase::kAnnounce ? Backoff::Clock::duration::zero() : kDataGrace;
  for (int looks = 0;; ++looks) {
    int finished = 0;
    call_mpi(collective, [&] { finished = pending.poll(); });
    if (finished == MPI_UNDEFINED) return;
    if (finished > 0) {
      backoff.reset();
      continue;
    }
    backoff.pause();
    if (looks % kPollsPerLook != 0) continue;
    session_->poll();
    const bool failed = session_->failure() != nullptr, late = backoff.idle() > options_.deadline;
    if (failed && (late || backoff.idle() >= grace)) throw_peer_failure(collective);
    if (late) time_out(collective, pending);
  }
}

void Channel::post_announcements(Collective collective, std::vector<Announcement>& sent,
                                 std::vector<Announcement>& received, Pending& pending) {
  const auto post = [&](auto function, std::vector<Announcement>& of, int peer, int sender, int receiver) {
    check_mpi(function(&of[peer], sizeof(Announcement), MPI_BYTE, process(peer), tag(Kind::kCall, sender, receiver),
                       session_->comm(), pending.add(peer)),
              "posting a message");
  };
  call_mpi(collective, [&] {
    for (int step = 1; step < size(); ++step) {
      const int peer = (rank_ + size() - step) % size();
      post(MPI_Irecv, received, peer, peer, rank_);
    }
    for (int step = 1; step < size(); ++step) {
      const int peer = (rank_ + step) % size();
      post(MPI_Isend, sent, peer, rank_, peer);
    }
  });
}

std::vector<int64_t> Channel::arrive(const Call& call, std::span<const int64_t> values,
                                     std::span<const int64_t> wanted) {
  check_alive(call.collective);
  struct Buffers {
    std::vector<Announcement> sent, received;
  };
  const auto buffers = std::make_shared<Buffers>();
  buffers->sent.assign(world_ranks_.size(), {.call = call});
  buffers->received.resize(world_ranks_.size());
  for (size_t r = 0; r < values.size(); ++r) buffers->sent[r].value = values[r];
  for (size_t r = 0; r < wanted.size(); ++r) buffers->sent[r].wanted = wanted[r];
  buffers->received[rank_] = buffers->sent[rank_];
  try {
    Pending pending;
    post_announcements(call.collective, buffers->sent, buffers->received, pending);
    wait(call.collective, pending, Phase::kAnnounce);
  } catch (const Error& error) {
    session_->keep(buffers);
    fail(error.what());
    throw;
  }
  session_->poll();
  check_alive(call.collective);
  compare(buffers->sent, buffers->received);
  std::vector<int64_t> received;
  for (const Announcement& announcement : buffers->received) received.push_back(announcement.value);
  return received;
}

void Channel::compare(const std::vector<Announcement>& sent, const std::vector<Announcement>& received) {
  for (int r = 0; r < size(); ++r) {
    const Announcement& mine = sent[r];
    const Announcement& theirs = received[r];
    if (theirs.call != mine.call) fail_argument(describe_mismatch(rank_, size(), mine.call, r, theirs.call));
    if (mine.wanted != kAnything && theirs.value != mine.wanted) {
      fail_argument(describe_length_mismatch(mine.call, rank_, size(), r, rank_, theirs.value, mine.wanted));
    }
    if (theirs.wanted != kAnything && mine.value != theirs.wanted) {
      fail_argument(describe_length_mismatch(mine.call, rank_, size(), rank_, r, mine.value, theirs.wanted));
    }
  }
}

void Channel::exchange(Collective collective, const Outgoing& outgoing, const Incoming& incoming) {
  Pending pending;
  const auto post = [&](auto function, auto bytes, int peer, int tag) {
    for (size_t begin = 0; begin < bytes.size(); begin += options_.chunk_bytes) {
      const size_t length = std::min(options_.chunk_bytes, bytes.size() - begin);
      check_mpi(function(bytes.data() + begin, static_cast<int>(length), MPI_BYTE, process(peer), tag, session_->comm(),
                         pending.add(peer)),
                "posting a message");
    }
  };
  try {
    call_mpi(collective, [&] {
      for (int step = 1; step < size(); ++step) {
        const int peer = (rank_ + size() - step) % size();
        post(MPI_Irecv, incoming[peer], peer, tag(Kind::kData, peer, rank_));
      }
      for (int step = 1; step < size(); ++step) {
        const int peer = (rank_ + step) % size();
        post(MPI_Isend, outgoing[peer], peer, tag(Kind::kData, rank_, peer));
      }
    });
    wait(collective, pending, Phase::kMove);
  } catch (const Error& error) {
    fail(error.what());
    session_->silence();
    throw;
  }
}

}  // namespace polyscene::dist
