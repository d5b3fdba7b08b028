#include <google/protobuf/descriptor.h>

#include "config_files.h"

namespace polyscene::core {
namespace {

using ParseTest = ConfigTest;

TEST_F(ParseTest, ReadsValuesAndKeepsDefaults) {
  const config::Experiment e = load(kLeast + "seed: 7 train { batch_size: 64 }");
  EXPECT_EQ(e.seed(), 7u);
  EXPECT_EQ(e.train().batch_size(), 64);
  EXPECT_EQ(e.train().eval_batch_size(), 4096);
  EXPECT_FALSE(e.train().has_eval_batch_size());
}

TEST_F(ParseTest, UnknownFieldNamesTheNearest) {
  EXPECT_EQ(error_of(kLeast + "train {\n  batchsize: 3\n}"),
            "[config] x.pbtxt:4:3: unknown field \"batchsize\" in train; did you mean \"batch_size\"?");
  EXPECT_EQ(error_of(kLeast + "train { optimizer { lr: 3 } }"),
            "[config] x.pbtxt:3:21: unknown field \"lr\" in train.optimizer; did you mean \"learning_rate\"?");
}

TEST_F(ParseTest, UnknownFieldInsideAListNamesTheElement) {
  EXPECT_EQ(error_of("data {\n feature { name: \"a\" }\n feature {\n  nam: \"b\" } }"),
            "[config] x.pbtxt:4:3: unknown field \"nam\" in data.feature[1]; did you mean \"name\"?");
}

TEST_F(ParseTest, FieldOfAnotherBlockIsNamedThere) {
  EXPECT_EQ(
      error_of("eval_every: 5"),
      "[config] x.pbtxt:1:1: unknown field \"eval_every\"; there is train.eval_every; here wanted one of include, "
      "name, seed, data, embedding, model, train");
}

TEST_F(ParseTest, TheBlockThatWasAskedComesBeforeTheRest) {
  EXPECT_EQ(error_of("train { lr: 0.1 }"),
            "[config] x.pbtxt:1:9: unknown field \"lr\" in train; did you mean \"train.optimizer.learning_rate\"?");
  EXPECT_EQ(error_of("embedding { lr: 0.1 }"),
            "[config] x.pbtxt:1:13: unknown field \"lr\" in embedding; there is "
            "embedding.optimizer.learning_rate, "
            "embedding.table[i].optimizer.learning_rate; here wanted one of dim, "
            "init_stddev, optimizer, table, partitions, memory");
  EXPECT_EQ(error_of("train { learning_rat: 0.1 }"),
            "[config] x.pbtxt:1:9: unknown field \"learning_rat\" in train; "
            "did you mean \"train.optimizer.learning_rate\"?");
  EXPECT_EQ(error_of("train { bs: 8 }"),
            "[config] x.pbtxt:1:9: unknown field \"bs\" in train; did you mean \"batch_size\"?");
  EXPECT_EQ(
      error_of("lr: 0.1"),
      "[config] x.pbtxt:1:1: unknown field \"lr\"; there is model.lr, embedding.optimizer.learning_rate, "
      "embedding.table[i].optimizer.learning_rate, train.optimizer.learning_rate; here wanted one of include, name, "
      "seed, data, embedding, model, train");
}

TEST_F(ParseTest, UnknownFieldWithoutAnythingNearListsAll) {
  EXPECT_EQ(error_of("model { zzzzzz {} }"),
            "[config] x.pbtxt:1:9: unknown field \"zzzzzz\" in model; there are label, head, sfpnet, lr, mlp, din, "
            "pepnet");
}

TEST_F(ParseTest, FieldInABlockWithoutFields) {
  EXPECT_EQ(error_of("model { lr { dim: 3 } }"),
            "[config] x.pbtxt:1:14: unknown field \"dim\" in model.lr, which has no fields; remove it");
}

TEST_F(ParseTest, WrongTypes) {
  EXPECT_EQ(error_of("train { batch_size: \"many\" }"),
            "[config] x.pbtxt:1:21: train.batch_size wants a whole number of 32 bits, got \"many\"");
  EXPECT_EQ(error_of("train { batch_size: 10.5 }"),
            "[config] x.pbtxt:1:21: train.batch_size wants a whole number of 32 bits, got 10.5");
  EXPECT_EQ(error_of("train { batch_size: 5000000000 }"),
            "[config] x.pbtxt:1:21: train.batch_size wants a whole number of 32 bits, got 5000000000");
  EXPECT_EQ(error_of("train { clip_norm: big }"), "[config] x.pbtxt:1:20: train.clip_norm wants a number, got big");
  EXPECT_EQ(error_of("seed: -1"), "[config] x.pbtxt:1:7: seed wants a whole number of at least 0, got -");
  EXPECT_EQ(error_of("name: demo"), "[config] x.pbtxt:1:7: name wants a text in double quotes, got demo");
  EXPECT_EQ(error_of("train { debug_finite: maybe }"),
            "[config] x.pbtxt:1:23: train.debug_finite wants true or false, got maybe");
  EXPECT_EQ(error_of("train { debug_finite: \"true\" }"),
            "[config] x.pbtxt:1:23: train.debug_finite wants true or false, got \"true\"");
  EXPECT_EQ(error_of("model { head: [64, wide] }"),
            "[config] x.pbtxt:1:20: model.head wants a whole number of 32 bits, got wide");
}

TEST_F(ParseTest, WrongEnumValueListsTheAllowed) {
  EXPECT_EQ(error_of("train {\n  optimizer { kind:\n    ADAMM\n  }\n}"),
            "[config] x.pbtxt:3:5: train.optimizer.kind wants one of ADAM, ADAMW, ADAGRAD, SGD, got ADAMM; did you "
            "mean ADAM?");
  EXPECT_EQ(error_of("embedding { optimizer { kind: rmsprop } }"),
            "[config] x.pbtxt:1:31: embedding.optimizer.kind wants one of LAZY_ADAM, ROW_WISE_ADAGRAD, ADAGRAD, SGD, "
            "got rmsprop");
  EXPECT_EQ(
      error_of("embedding { optimizer { kind: \"SGD\" } }"),
      "[config] x.pbtxt:1:31: embedding.optimizer.kind wants one of LAZY_ADAM, ROW_WISE_ADAGRAD, ADAGRAD, SGD, got "
      "\"SGD\"; did you mean SGD?");
}

TEST_F(ParseTest, BlocksAndValuesConfused) {
  EXPECT_EQ(error_of("train: 5"), "[config] x.pbtxt:1:1: train wants a block train { ... }, got 5");
  EXPECT_EQ(error_of("train { batch_size 5 }"),
            "[config] x.pbtxt:1:9: train.batch_size wants a whole number of 32 bits behind a colon, got 5");
  EXPECT_EQ(error_of("train { batch_size { } }"),
            "[config] x.pbtxt:1:9: train.batch_size wants a whole number of 32 bits behind a colon, got {");
}

TEST_F(ParseTest, GivenTwiceNamesBothPlaces) {
  EXPECT_EQ(error_of("train {\n  epochs: 1\n  batch_size: 3\n  epochs: 2\n}"),
            "[config] x.pbtxt:4:3: train.epochs is given twice (first at 2:3); keep one");
  EXPECT_EQ(error_of("train { }\ntrain { }"), "[config] x.pbtxt:2:1: train is given twice (first at 1:1); keep one");
}

TEST_F(ParseTest, TwoKindsOfOneThing) {
  EXPECT_EQ(error_of("model {\n  lr {}\n  mlp {}\n}"),
            "[config] x.pbtxt:3:3: model.mlp is given beside model.lr (at 2:3); keep one");
  EXPECT_EQ(error_of("data { feature { bag {} number {} } }"),
            "[config] x.pbtxt:1:25: data.feature[0].number is given beside data.feature[0].bag (at 1:18); keep one");
}

TEST_F(ParseTest, BrokenText) {
  EXPECT_EQ(
      error_of("train {\n  epochs: 3\n"),
      "[config] x.pbtxt:3:1: wanted a field's name or a closing brace behind train.epochs, got the end of the file");
  EXPECT_EQ(error_of("train {\n"), "[config] x.pbtxt:2:1: wanted a field's name in train, got the end of the file");
  EXPECT_EQ(error_of("train { } }"),
            "[config] x.pbtxt:1:11: wanted a field's name or a closing brace behind train, got }");
  EXPECT_EQ(error_of("= 3"), "[config] x.pbtxt:1:1: wanted a field's name, got =");
  EXPECT_EQ(error_of("name: \"open\nseed: 1"), "[config] x.pbtxt:1:12: String literals cannot cross line boundaries.");
}

TEST_F(ParseTest, CommentsStringsAndAnglesDoNotConfusePlaces) {
  EXPECT_EQ(error_of("# train { batch_size: }\nname: \"a } {\" \"b\"; train < # here\n  epochs: 1.5 >"),
            "[config] x.pbtxt:3:11: train.epochs wants a whole number of 32 bits, got 1.5");
}

TEST_F(ParseTest, AMarkInFrontIsSkipped) {
  EXPECT_EQ(load("\xEF\xBB\xBF" + kLeast + "seed: 7").seed(), 7u);
  EXPECT_EQ(error_of("\xEF\xBB\xBFseeds: 7"), "[config] x.pbtxt:1:1: unknown field \"seeds\"; did you mean \"seed\"?");
}

TEST_F(ParseTest, OtherEncodings) {
  const auto wanted = [](const std::string& name) {
    return "[config] x.pbtxt:1:1: wanted text in UTF-8, got " + name +
           "; save it as UTF-8, or convert it with iconv -f " + name + " -t UTF-8";
  };
  const std::string text = "seed: 7\n";
  for (const size_t before : {0, 1}) {
    std::string two, four;
    for (const char c : text) {
      two += std::string(before, '\0') + c + std::string(1 - before, '\0');
      four += std::string(3 * before, '\0') + c + std::string(3 - 3 * before, '\0');
    }
    EXPECT_EQ(error_of(two), wanted("UTF-16"));
    EXPECT_EQ(error_of(four), wanted("UTF-32"));
    const std::string mark = before == 0 ? "\xFF\xFE" : "\xFE\xFF", zeros(2, '\0');
    EXPECT_EQ(error_of(mark + two), wanted("UTF-16"));
    EXPECT_EQ(error_of(before == 0 ? mark + zeros + four : zeros + mark + four), wanted("UTF-32"));
  }
}

TEST_F(ParseTest, CharactersOfOtherKeyboards) {
  const auto wanted = [](const std::string& place, const std::string& got) {
    return "[config] x.pbtxt:" + place + ": wanted plain text outside quotes, got " + got;
  };
  EXPECT_EQ(error_of("name: \u201csmall\u201d"), wanted("1:7", "\u201c (U+201C); write \""));
  EXPECT_EQ(error_of("name: \u2018small\u2019"), wanted("1:7", "\u2018 (U+2018); write ' or \""));
  EXPECT_EQ(error_of("seed: 1\ntrain {\u00a0epochs: 1 }"),
            wanted("2:8", "\u00a0 (U+00A0); it looks like a space; write a plain one"));
  EXPECT_EQ(error_of("train {\n\tepochs\uff1a1 }"), wanted("2:15", "\uff1a (U+FF1A); write :"));
  EXPECT_EQ(error_of("seed: \u22121"), wanted("1:7", "\u2212 (U+2212); write -"));
  EXPECT_EQ(error_of("seed: 1 \u200b"), wanted("1:9", "\u200b (U+200B); it is not visible; remove it"));
  EXPECT_EQ(error_of("\u0440oot: 1"), wanted("1:1", "\u0440 (U+0440); put it in quotes, or remove it"));
  EXPECT_EQ(error_of("seed: 1 \U0001f600"), wanted("1:9", "\U0001f600 (U+1F600); put it in quotes, or remove it"));
  EXPECT_EQ(error_of("seed: 1 \x93"),
            "[config] x.pbtxt:1:9: wanted text in UTF-8, got the byte 0x93, which is none; save it as UTF-8");
  EXPECT_EQ(error_of("seed: 1 \x01"), "[config] x.pbtxt:1:9: got the control character U+0001; remove it");
  EXPECT_EQ(load(kLeast + "# \u201c\nname: \"\u201csmall\u201d\"").name(), "\u201csmall\u201d");
  EXPECT_EQ(
      error_of(kLeast, {"train.early_stop={metric\uff1a AUC}"}),
      "[config] --set train.early_stop={metric\uff1a AUC}: wanted plain text outside quotes, got \uff1a (U+FF1A); "
      "write :");
}

TEST_F(ParseTest, EveryPrefixOfAFileIsReadOrRefusedInWords) {
  for (size_t length = 0; length + 1 < kRich.size(); ++length) {
    const std::string error = error_of(kRich.substr(0, length));
    EXPECT_TRUE(error.starts_with("[config] x.pbtxt:")) << length << ": " << error;
  }
}

TEST_F(ParseTest, MissingFile) {
  write("demo.pbtxt", kLeast);
  EXPECT_EQ(error_of_file((folder_ / "demp.pbtxt").string()),
            "[config] cannot read demp.pbtxt: No such file or directory; did you mean \"demo.pbtxt\"?");
  EXPECT_TRUE(error_of_file(folder_.string()).ends_with(" is a folder"));
}

// A run resumed with --set train.max_steps=0 and one that never had a bound save the same configuration.
TEST_F(ParseTest, AFieldThatHoldsItsDefaultIsLeftOut) {
  const std::string rich = kRich + "train { batch_size: 7 }";
  EXPECT_EQ(to_text(load(rich, {"train.max_steps=0", "train.log_every=0", "train.log_every="})), to_text(load(rich)));
  EXPECT_FALSE(load(kRich, {"train.max_steps=0"}).train().has_max_steps());
  EXPECT_TRUE(load(kRich, {"train.max_steps=1"}).train().has_max_steps());
  EXPECT_FALSE(load(kRich, {"train.checkpoint.keep_last=2"}).train().checkpoint().has_keep_last());
  // A table's own standard deviation has no declared default: without it the table takes the one of all tables.
  const std::string table = "embedding { init_stddev: 0.5 table { name: \"user\" init_stddev: 0.01 } }";
  EXPECT_TRUE(load(kRich + table).embedding().table(0).has_init_stddev());
}

void add_changeable(const google::protobuf::Descriptor& message, const std::string& path, std::string& names) {
  for (int i = 0; i < message.field_count(); ++i) {
    const google::protobuf::FieldDescriptor& field = *message.field(i);
    if (field.options().GetExtension(config::may_change))
      names += path + field.name() + " ";
    else if (field.message_type() != nullptr)
      add_changeable(*field.message_type(), path + field.name() + ".", names);
  }
}

// A new field stays as it was on resume unless its declaration says otherwise.
TEST(MayChange, OnlyFieldsThatDoNotAffectWhatWasTrained) {
  std::string names;
  add_changeable(*config::Experiment::descriptor(), "", names);
  EXPECT_EQ(names,
            "name data.root data.valid_files data.test_files data.max_bad_share data.prefetch data.threads "
            "embedding.memory train.epochs train.max_steps train.eval_every train.early_stop train.log_every "
            "train.debug_finite train.eval_batch_size train.device_graphs train.checkpoint ");
}

TEST_F(ParseTest, TextReadsBackEqual) {
  const config::Experiment e = load(kRich + "seed: 18446744073709551615 name: \"a\\\"b\\\\\" train { clip_norm: 0.1 }");
  const config::Experiment again = load(to_text(e));
  EXPECT_EQ(again.SerializeAsString(), e.SerializeAsString());
  EXPECT_EQ(to_text(again), to_text(e));
}

}  // namespace
}  // namespace polyscene::core
