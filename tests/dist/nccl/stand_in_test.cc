// The stand-in finds the mistakes that it is there for.
#include "tests/dist/nccl/stand_in.h"

#include <gtest/gtest.h>

#include "dist/nccl/library.h"

namespace polyscene::testing {
namespace {

using dist::nccl::Comm;
using dist::nccl::DataType;
using dist::nccl::ReduceOp;
using dist::nccl::Result;

// Two ranks, driven by one thread: no call waits.
class StandIn : public ::testing::Test {
 protected:
  StandIn() {
    nccl_stand_in_reset();
    EXPECT_EQ(library_->get_unique_id(&id_), Result::kSuccess);
    for (int rank = 0; rank < 2; ++rank)
      EXPECT_EQ(library_->comm_init_rank_config(&comms_[rank], 2, id_, rank, &config_), Result::kInProgress);
    EXPECT_EQ(state(0), Result::kSuccess);
  }
  ~StandIn() override {
    for (dist::nccl::Comm* const comm : comms_) library_->comm_abort(comm);
    EXPECT_EQ(nccl_stand_in_counts().live, 0);
  }
  Result state(int rank) {
    Result state{};
    library_->comm_get_async_error(comms_[rank], &state);
    return state;
  }
  std::string error(int rank) { return library_->get_last_error(comms_[rank]); }
  Result reduce(int rank, size_t count, int32_t* data) {
    return library_->all_reduce(data, data, count, DataType::kInt32, ReduceOp::kSum, comms_[rank], nullptr);
  }
  Result send(int rank, size_t count, int to) {
    return library_->send(data_, count, DataType::kInt32, to, comms_[rank], nullptr);
  }
  Result recv(int rank, size_t count, int from) {
    return library_->recv(data_ + 8, count, DataType::kInt32, from, comms_[rank], nullptr);
  }

  std::shared_ptr<const dist::NcclLibrary> library_ = dist::NcclLibrary::load(POLYSCENE_NCCL_STAND_IN);
  dist::nccl::Config config_{.blocking = 0};
  dist::nccl::UniqueId id_{};
  Comm* comms_[2] = {};
  int32_t data_[16] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
};

TEST_F(StandIn, DoesWhatFitsOnceAllHaveCome) {
  EXPECT_EQ(reduce(0, 2, data_), Result::kInProgress);
  EXPECT_EQ(reduce(1, 2, data_ + 4), Result::kSuccess);
  EXPECT_EQ(state(0), Result::kSuccess);
  EXPECT_EQ(data_[1], 8);
  EXPECT_EQ(data_[5], 8);
}

TEST_F(StandIn, PostsAGroupAtItsOutermostEnd) {
  library_->group_start(), library_->group_start();
  EXPECT_EQ(send(0, 3, 1), Result::kSuccess);
  EXPECT_EQ(library_->group_end(), Result::kSuccess);
  EXPECT_EQ(recv(0, 1, 1), Result::kSuccess);
  EXPECT_EQ(library_->group_end(), Result::kInProgress);
  EXPECT_EQ(recv(1, 3, 0), Result::kSuccess);
  EXPECT_EQ(data_[10], 3);
  EXPECT_EQ(state(0), Result::kInProgress);
  EXPECT_EQ(send(1, 1, 0), Result::kSuccess);
  EXPECT_EQ(state(0), Result::kSuccess);
}

TEST_F(StandIn, RefusesWhatARankCanDoWrong) {
  const auto refused = [&](const auto& call, const std::string& why) {
    const int before = nccl_stand_in_counts().refused;
    call();
    EXPECT_EQ(nccl_stand_in_counts().refused, before + 1);
    EXPECT_EQ(error(0), why);
    for (int rank = 0; rank < 2; ++rank) library_->comm_abort(comms_[rank]);
    library_->get_unique_id(&id_);
    for (int rank = 0; rank < 2; ++rank) library_->comm_init_rank_config(&comms_[rank], 2, id_, rank, &config_);
  };
  const auto broadcast = [&](const void* from, void* to, DataType type, int root) {
    return library_->broadcast(from, to, 2, type, root, comms_[0], nullptr);
  };
  const DataType ints = DataType::kInt32;
  refused([&] { reduce(0, 0, data_); }, "no elements, or elements of no known type");
  refused([&] { broadcast(data_, data_, dist::nccl::DataType{6}, 0); }, "no elements, or elements of no known type");
  refused([&] { library_->all_reduce(data_, data_, 1, ints, dist::nccl::ReduceOp{4}, comms_[0], nullptr); },
          "no known reduction");
  refused([&] { broadcast(data_, data_, ints, 2); }, "a peer or root that is not there");
  refused([&] { send(0, 1, 0); }, "a message to oneself");
  refused([&] { broadcast(nullptr, data_, ints, 0); }, "no buffer");
  refused([&] { broadcast(data_ + 1, data_, ints, 0); }, "buffers that overlap in part");
  refused([&] { library_->all_gather(data_ + 2, data_, 2, ints, comms_[0], nullptr); }, "buffers that overlap in part");
  refused([&] { library_->reduce_scatter(data_, data_ + 2, 2, ints, ReduceOp::kSum, comms_[0], nullptr); },
          "buffers that overlap in part");
  refused([&] { broadcast(reinterpret_cast<char*>(data_) + 2, data_ + 8, ints, 0); },
          "a buffer that is not on a multiple of its elements");
  refused([&] { reduce(0, 1, data_), reduce(0, 1, data_); }, "a call before the one before it was through");
  refused([&] { library_->comm_destroy(comms_[0]); }, "destroyed before it was finalized");
  refused([&] { reduce(0, 1, data_), library_->comm_finalize(comms_[0]); }, "an end in the middle of a call");
  EXPECT_EQ(library_->group_end(), Result::kInvalidUsage);
  EXPECT_STREQ(library_->get_last_error(nullptr), "the end of a group that is not open");
}

TEST_F(StandIn, RefusesCallsThatDoNotFit) {
  reduce(0, 2, data_);
  reduce(1, 3, data_ + 4);
  for (int rank = 0; rank < 2; ++rank) EXPECT_EQ(error(rank), "ranks that make different calls");
}

TEST_F(StandIn, RefusesMessagesThatDoNotFit) {
  send(0, 2, 1);
  recv(1, 3, 0);
  for (int rank = 0; rank < 2; ++rank) EXPECT_EQ(error(rank), "a message of 2 elements where 3 are wanted");
}

TEST_F(StandIn, RefusesGroupsOfTwoKindsOrTwoCommunicators) {
  library_->group_start();
  send(0, 1, 1);
  send(1, 1, 0);
  EXPECT_EQ(error(1), "two communicators in one group");
  reduce(0, 1, data_);
  library_->group_end();
  EXPECT_EQ(error(0), "a group of more than messages");
}

TEST_F(StandIn, RefusesCommunicatorsThatWouldBlockOrOfNobody) {
  dist::nccl::Config blocking{};
  dist::nccl::Comm* comm = nullptr;
  const auto init = [&](int rank, dist::nccl::Config* config) {
    EXPECT_EQ(library_->comm_init_rank_config(&comm, 2, id_, rank, config), Result::kInvalidArgument);
    return std::string(library_->get_last_error(nullptr));
  };
  EXPECT_EQ(init(0, &blocking), "not the configuration of a non-blocking communicator");
  EXPECT_EQ(init(1, &config_), "an id of nobody, or ranks that do not fit");
}

}  // namespace
}  // namespace polyscene::testing
