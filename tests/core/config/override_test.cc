#include "config_files.h"

namespace polyscene::core {
namespace {

class OverrideTest : public ConfigTest {
 protected:
  // The error of one override on top of kRich, without its common prefix.
  std::string error_with(const std::string& override) const {
    const std::string error = error_of(kRich, {override}), prefix = "[config] --set " + override + ": ";
    return error.starts_with(prefix) ? error.substr(prefix.size()) : "unexpected: " + error;
  }
};

TEST_F(OverrideTest, Scalars) {
  const config::Experiment e =
      load(kRich, {"seed=9", "name=a=b", "train.batch_size=4096", "train.optimizer.kind=SGD", "train.clip_norm=1e-2",
                   "train.debug_finite=true", "model.sfpnet.blocks=3", "train.early_stop.patience=2"});
  EXPECT_EQ(e.seed(), 9u);
  EXPECT_EQ(e.name(), "a=b");
  EXPECT_EQ(e.train().batch_size(), 4096);
  EXPECT_EQ(e.train().optimizer().kind(), config::DenseOptimizer::SGD);
  EXPECT_EQ(e.train().clip_norm(), 0.01);
  EXPECT_TRUE(e.train().debug_finite());
  EXPECT_EQ(e.model().sfpnet().blocks(), 3);
  EXPECT_EQ(e.train().early_stop().patience(), 2);
}

TEST_F(OverrideTest, LaterOverridesWin) { EXPECT_EQ(load(kRich, {"seed=1", "seed=2"}).seed(), 2u); }

TEST_F(OverrideTest, ListsAreReplacedElementsSetInPlace) {
  const config::Experiment e = load(
      kRich, {"data.train_files=x.parquet,y.parquet", "data.train_files[1]=z", "model.head=8,4", "model.head[0]=16",
              "data.feature[0].categorical.nullable=true", "data.feature[age].number.mean=3.5"});
  ASSERT_EQ(e.data().train_files_size(), 2);
  EXPECT_EQ(e.data().train_files(0), "x.parquet");
  EXPECT_EQ(e.data().train_files(1), "z");
  ASSERT_EQ(e.model().head_size(), 2);
  EXPECT_EQ(e.model().head(0), 16);
  EXPECT_EQ(e.model().head(1), 4);
  EXPECT_TRUE(e.data().feature(0).categorical().nullable());
  EXPECT_EQ(e.data().feature(3).number().mean(), 3.5);
}

TEST_F(OverrideTest, ABlockInBracesReplacesTheBlock) {
  const config::Experiment e = load(kRich, {"train.early_stop.patience=5", "train.early_stop={metric: LOGLOSS}"});
  EXPECT_EQ(e.train().early_stop().metric(), config::EarlyStop::LOGLOSS);
  EXPECT_FALSE(e.train().early_stop().has_patience());
}

TEST_F(OverrideTest, AnEmptyValueClears) {
  const config::Experiment e = load(kRich, {"seed=3", "seed=", "data.valid_files=", "model.sfpnet=", "model.lr={}"});
  EXPECT_FALSE(e.has_seed());
  EXPECT_EQ(e.data().valid_files_size(), 0);
  EXPECT_TRUE(e.model().has_lr());
}

TEST_F(OverrideTest, TextsAreTakenAsTheyAre) {
  EXPECT_EQ(load(kRich, {"data.time_column=a \"b\" \\c"}).data().time_column(), "a \"b\" \\c");
}

TEST_F(OverrideTest, WrongForm) {
  EXPECT_EQ(error_with("train.batch_size"), "wanted path=value, e.g. train.batch_size=4096");
  for (const char* text : {"=3", "train..epochs=1", "train.=1", "data.feature[=1", "data.feature[]=1"})
    EXPECT_EQ(error_with(text), "wanted a path of names like train.batch_size or data.feature[3].name before the =");
  EXPECT_EQ(error_with("include=a.pbtxt"), "include can be set only in a file; give another file to --config");
}

TEST_F(OverrideTest, UnknownNames) {
  EXPECT_EQ(error_with("train.batchsize=3"), "unknown field \"batchsize\" in train; did you mean \"batch_size\"?");
  EXPECT_EQ(error_with("trian.batch_size=3"), "unknown field \"trian\"; did you mean \"train\"?");
  EXPECT_EQ(error_with("batch_size=3"),
            "unknown field \"batch_size\"; there is train.batch_size; here wanted one of include, name, "
            "seed, data, embedding, model, train");
  EXPECT_EQ(error_with("data.feature[1].nam=x"), "unknown field \"nam\" in data.feature[1]; did you mean \"name\"?");
  EXPECT_EQ(error_with("train.batch_size.x=3"), "train.batch_size is no block, it holds a whole number of 32 bits");
}

TEST_F(OverrideTest, WrongValues) {
  EXPECT_EQ(error_with("train.batch_size=many"), "train.batch_size wants a whole number of 32 bits, got many");
  EXPECT_EQ(error_with("train.batch_size=5 epochs: 2"),
            "train.batch_size wants a whole number of 32 bits, got 5 epochs: 2");
  EXPECT_EQ(error_with("seed=-1"), "seed wants a whole number of at least 0, got -1");
  EXPECT_EQ(error_with("train.optimizer.kind=adam"),
            "train.optimizer.kind wants one of ADAM, ADAMW, ADAGRAD, SGD, got adam; did you mean ADAM?");
  EXPECT_EQ(error_with("train.debug_finite=yes"), "train.debug_finite wants true or false, got yes");
  EXPECT_EQ(error_with("model.head=64,,32"), "model.head wants a whole number of 32 bits, got ");
  EXPECT_EQ(error_with("train.early_stop=3"), "train.early_stop wants a block early_stop { ... }, got 3");
  EXPECT_EQ(error_with("train.early_stop={patience: x}"),
            "train.early_stop.patience wants a whole number of 32 bits, got x");
  EXPECT_EQ(error_with("train.early_stop={patients: 3}"),
            "unknown field \"patients\" in train.early_stop; did you mean \"patience\"?");
  EXPECT_EQ(error_with("train.early_stop={patience: 1 patience: 2}"),
            "train.early_stop.patience is given twice (first at 1:14); keep one");
  EXPECT_EQ(error_with("train.early_stop={} schedule: {}"),
            "train.early_stop wants a block early_stop { ... }, got {} schedule: {}");
}

TEST_F(OverrideTest, WrongIndices) {
  EXPECT_EQ(error_with("data.feature[5].name=x"), "data.feature has elements 0 to 4, got [5]");
  EXPECT_EQ(error_with("data.feature[-1].name=x"), "data.feature has elements 0 to 4, got [-1]");
  for (const std::string index : {"99999999999", "18446744073709551616"})  // too large for an int
    EXPECT_EQ(error_with("data.feature[" + index + "].name=x"),
              "data.feature has elements 0 to 4, got [" + index + "]");
  EXPECT_EQ(error_with("data.feature[0x].name=x"),
            "data.feature has no element named \"0x\"; there are user, tab, tags, age, history");
  EXPECT_EQ(error_with("data.feature[usr].name=x"),
            "data.feature has no element named \"usr\"; did you mean \"user\"?");
  EXPECT_EQ(error_with("data.feature.name=x"),
            "data.feature is a list of 5; say which one, e.g. data.feature[0] or data.feature[user]");
  EXPECT_EQ(error_with("data.feature=x"),
            "data.feature is a list of blocks; set a field of one element, e.g. data.feature[0] or data.feature[user]");
  EXPECT_EQ(error_with("data.group[0].name=x"), "data.group is empty; there is no [0]");
  EXPECT_EQ(error_with("model.head[0]=3"), "model.head is empty; there is no [0]");
  EXPECT_EQ(error_with("data.train_files[0]=a,b"), "data.train_files[0] is one value; leave out the comma");
  EXPECT_EQ(error_with("seed[0]=3"), "seed is no list; leave out [0]");
}

TEST_F(OverrideTest, SwitchingTheModelIsRefused) {
  EXPECT_EQ(error_with("model.din.attention_hidden=3"),
            "the configuration has model.sfpnet (x.pbtxt:12:9); to switch to din, name a configuration with it or "
            "clear first with "
            "--set model.sfpnet=");
  EXPECT_EQ(error_with("model.lr={}"),
            "the configuration has model.sfpnet (x.pbtxt:12:9); to switch to lr, name a configuration with it or clear "
            "first with "
            "--set model.sfpnet=");
  EXPECT_EQ(error_with("data.feature[user].number.mean=2"),
            "the configuration has data.feature[0].categorical (x.pbtxt:2:26); to switch to number, name a "
            "configuration with it or "
            "clear first with --set data.feature[0].categorical=");
}

TEST_F(OverrideTest, ChecksNameTheOverride) {
  EXPECT_EQ(error_with("train.batch_size=0"), "train.batch_size wants 1 to 16777216 rows, got 0");
  EXPECT_EQ(error_with("data.feature[age].number.stddev=0"),
            "data.feature[3].number.stddev wants a number above 0, got 0");
  EXPECT_EQ(error_with("model.head=8,0"), "model.head[1] wants a width from 1 to 65536, got 0");
}

}  // namespace
}  // namespace polyscene::core
