#include "dist/mpi/channel.h"

#include <algorithm>

#include "dist/mpi/backoff.h"

namespace polyscene {
namespace {

// How long data of a call that all members had arrived at may still take to move once the job has failed.
constexpr std::chrono::milliseconds kDataGrace(500);
// Polls between two looks at the clock and at the notices of other ranks.
constexpr int kPollsPerLook = 16;
// Stands for a value that the receiver does not know beforehand.
constexpr int64_t kAnything = -1;

}  // namespace

// Requests under way and the member each waits for. Owns nothing else.
struct Channel::Pending {
  std::vector<MPI_Request> requests;
  std::vector<int> peers;
  std::vector<int> finished;  // scratch of MPI_Testsome

  MPI_Request* add(int peer) {
    peers.push_back(peer);
    return &requests.emplace_back(MPI_REQUEST_NULL);
  }

  // Number of requests that finished in this poll, MPI_UNDEFINED when none is left.
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

Channel::Channel(std::shared_ptr<Session> session, std::vector<int> world_ranks, int rank, int64_t context,
                 CommunicatorOptions options)
    : session_(std::move(session)), world_ranks_(std::move(world_ranks)), rank_(rank), options_(options) {
  require(context < session_->max_contexts(), "[dist.split] this MPI library has tags for ", session_->max_contexts(),
          " communicators and all have been used; split once and keep the result");
  require(options_.chunk_bytes >= 1 && options_.chunk_bytes <= INT32_MAX,
          "[dist.make_mpi_world] wanted chunk_bytes between 1 and 2^31 - 1, got ", options_.chunk_bytes);
  // Context 0 starts at tag 2; tag 0 carries the session's notices.
  call_tag_ = static_cast<int>((context + 1) * Session::kTagsPerContext);
  data_tag_ = call_tag_ + 1;
}

void Channel::check_alive(Collective collective) const {
  if (session_->failure()) throw_peer_failure(collective);
}

void Channel::throw_peer_failure(Collective collective) const {
  const auto failure = session_->failure();
  throw CommunicationError(describe_peer_failure(collective, rank_, size(), failure->world_rank, failure->reason));
}

void Channel::fail_argument(const std::string& message) {
  session_->fail(message);
  throw InvalidArgument(message);
}

void Channel::time_out(Collective collective, const Pending& pending) {
  const std::string message = describe_timeout(collective, rank_, size(), options_.deadline.count(), pending.missing());
  session_->fail(message);
  throw CommunicationError(message);
}

// While calls are being announced, another rank's failure ends the wait at once. While data moves, it does so only when
// nothing has moved for a while: members in the same call finish it as long as they live, and one that left earlier
// would leave others reading memory it is about to free.
void Channel::wait(Collective collective, Pending& pending, Phase phase) {
  Backoff backoff;
  const Backoff::Clock::duration grace = phase == Phase::kAnnounce ? Backoff::Clock::duration::zero() : kDataGrace;
  for (int looks = 0;; ++looks) {
    const int finished = pending.poll();
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

void Channel::post_announcements(std::vector<Announcement>& sent, std::vector<Announcement>& received,
                                 Pending& pending) {
  const auto post = [&](auto function, std::vector<Announcement>& of, int peer) {
    check_mpi(function(&of[static_cast<size_t>(peer)], sizeof(Announcement), MPI_BYTE, world_rank(peer), call_tag_,
                       session_->comm(), pending.add(peer)),
              "posting a message");
  };
  for (int step = 1; step < size(); ++step) post(MPI_Irecv, received, (rank_ + size() - step) % size());
  for (int step = 1; step < size(); ++step) post(MPI_Isend, sent, (rank_ + step) % size());
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
  buffers->received[static_cast<size_t>(rank_)] = buffers->sent[static_cast<size_t>(rank_)];
  try {
    Pending pending;
    post_announcements(buffers->sent, buffers->received, pending);
    wait(call.collective, pending, Phase::kAnnounce);
  } catch (const Error& error) {
    session_->keep(buffers);
    session_->fail(error.what());
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
    const Announcement& mine = sent[static_cast<size_t>(r)];
    const Announcement& theirs = received[static_cast<size_t>(r)];
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
  const auto post = [&](auto function, auto bytes, int peer) {
    for (size_t begin = 0; begin < bytes.size(); begin += options_.chunk_bytes) {
      const size_t length = std::min(options_.chunk_bytes, bytes.size() - begin);
      check_mpi(function(bytes.data() + begin, static_cast<int>(length), MPI_BYTE, world_rank(peer), data_tag_,
                         session_->comm(), pending.add(peer)),
                "posting a message");
    }
  };
  try {
    for (int step = 1; step < size(); ++step) {
      const int peer = (rank_ + size() - step) % size();
      post(MPI_Irecv, incoming[static_cast<size_t>(peer)], peer);
    }
    for (int step = 1; step < size(); ++step) {
      const int peer = (rank_ + step) % size();
      post(MPI_Isend, outgoing[static_cast<size_t>(peer)], peer);
    }
    wait(collective, pending, Phase::kMove);
  } catch (const Error& error) {
    session_->fail(error.what());
    session_->silence();
    throw;
  }
}

}  // namespace polyscene
