#include "config_files.h"

namespace polyscene::core {
namespace {

class CheckEmbeddingTest : public ConfigTest {
 protected:
  std::string error_with(const std::string& inside) const {
    const std::string error = error_of(kRich + "embedding { " + inside + " }"), prefix = "[config] x.pbtxt:13:";
    return error.starts_with(prefix) ? error.substr(prefix.size()) : "unexpected: " + error;
  }
};

TEST_F(CheckEmbeddingTest, Sizes) {
  EXPECT_EQ(error_with("dim: 0"), "13: embedding.dim wants 1 to 4096, got 0");
  EXPECT_EQ(error_with("dim: 5000"), "13: embedding.dim wants 1 to 4096, got 5000");
  EXPECT_EQ(error_with("partitions: 0"), "13: embedding.partitions wants 1 to 1048576, got 0");
  EXPECT_EQ(error_with("init_stddev: -0.1"),
            "13: embedding.init_stddev wants a standard deviation from 0 to 100, got -0.1");
}

TEST_F(CheckEmbeddingTest, Tables) {
  EXPECT_EQ(error_with("table {}"), "13: embedding.table[0] wants a name; give it name: \"...\"");
  EXPECT_EQ(error_with("table { name: \"usr\" }"),
            "21: embedding.table[0].name wants a table that a feature uses, got \"usr\"; did you mean \"user\"?");
  EXPECT_EQ(error_with("table { name: \"age\" }"),
            "21: embedding.table[0].name wants a table that a feature uses, got \"age\"; did you mean \"tags\"?");
  EXPECT_EQ(error_with("table { name: \"user\" } table { name: \"user\" }"),
            "44: embedding.table[1].name: table \"user\" is there twice; keep one");
  EXPECT_EQ(error_with("table { name: \"user\" init_stddev: -1 }"),
            "34: embedding.table[0].init_stddev wants a standard deviation from 0 to 100, got -1");
  EXPECT_EQ(
      error_with("table { name: \"user\" max_rows: 32767 }"),
      "34: embedding.table[0].max_rows wants 0 (no bound) or at least 32768, 32 for each of embedding.partitions, "
      "got 32767; try more rows or fewer partitions");
  EXPECT_EQ(error_with("table { name: \"user\" optimizer { learning_rate: 0 } }"),
            "46: embedding.table[0].optimizer.learning_rate wants a number above 0, got 0");
}

TEST_F(CheckEmbeddingTest, TablesByDefault) {
  const std::string data =
      "data { label { name: \"click\" } feature { name: \"user\" categorical { table: \"people\" } } "
      "feature { name: \"age\" number { boundary: 1 } } "
      "feature { name: \"h\" sequence { side { column: \"friends\" target: \"user\" } side { column: \"places\" } } } "
      "}\n"
      "model { lr {} }\n";
  EXPECT_EQ(error_of(data + "embedding { table { name: \"x\" } }"),
            "[config] x.pbtxt:3:21: embedding.table[0].name wants a table that a feature uses, got \"x\"; there are "
            "age, people, places");
}

// Its files are called NAME-RRRRR-of-NNNNN.safetensors.partial while they are written, and must fit 255 bytes.
TEST_F(CheckEmbeddingTest, TablesWithoutAFileName) {
  const auto error = [&](const std::string& feature) {
    const std::string text = "data { label { name: \"click\" } feature { name: \"user\" categorical {} }\n" + feature +
                             "\n}\nmodel { lr {} }\n";
    return error_of(text);
  };
  const std::string most(220, 'a'), chinese = "\xe7\x94\xa8";  // a letter of three bytes, each written as %XX
  std::string column;
  for (int i = 0; i < 25; ++i) column += chinese;
  const std::string wanted =
      " names a table whose files want a name of at most 220 bytes, in which each but ASCII letters, "
      "digits, ., _ and - counts 3, got ";
  EXPECT_EQ(error("feature { name: \"b\" categorical { table: \"" + most + "\" } }"), "no error");
  EXPECT_EQ(error("feature { name: \"b\" categorical { table: \"" + most + "b\" } }"),
            "[config] x.pbtxt:2:35: data.feature[1].categorical.table" + wanted + "221: \"" + most +
                "b\"; give it a shorter name with table: \"...\"");
  EXPECT_EQ(error("feature { name: \"" + most + "b\" bag {} }"), "[config] x.pbtxt:2:11: data.feature[1].name" +
                                                                     wanted + "221: \"" + most +
                                                                     "b\"; give it a shorter name with table: \"...\"");
  EXPECT_EQ(error("feature { name: \"h\" sequence { side { column: \"" + column + "\" } } }"),
            "[config] x.pbtxt:2:39: data.feature[1].sequence.side[0].column" + wanted + "225: \"" + column +
                "\"; give it a shorter name with table: \"...\"");
  // Without a table of their own: a sequence that shares one, and plain numbers.
  EXPECT_EQ(error("feature { name: \"h\" sequence { side { column: \"" + column + "\" target: \"user\" } } }"),
            "no error");
  EXPECT_EQ(error("feature { name: \"" + most + "b\" number {} }"), "no error");
}

TEST_F(CheckEmbeddingTest, Optimizer) {
  EXPECT_EQ(error_with("optimizer { learning_rate: -1 }"),
            "25: embedding.optimizer.learning_rate wants a number above 0, got -1");
  EXPECT_EQ(error_with("optimizer { beta1: 1 }"), "25: embedding.optimizer.beta1 wants 0 <= beta1 < 1, got 1");
  EXPECT_EQ(error_with("optimizer { beta2: -0.5 }"), "25: embedding.optimizer.beta2 wants 0 <= beta2 < 1, got -0.5");
  EXPECT_EQ(error_with("optimizer { epsilon: 0 }"), "25: embedding.optimizer.epsilon wants a number above 0, got 0");
  EXPECT_EQ(error_with("optimizer { weight_decay: -1 }"),
            "25: embedding.optimizer.weight_decay wants at least 0, got -1");
  EXPECT_EQ(error_with("optimizer { kind: ADAGRAD initial_accumulator: -1 }"),
            "39: embedding.optimizer.initial_accumulator wants at least 0, got -1");
}

TEST_F(CheckEmbeddingTest, SettingsThatTheKindDoesNotRead) {
  EXPECT_EQ(error_with("optimizer { kind: SGD epsilon: 1 }"),
            "35: embedding.optimizer.epsilon has no effect with kind SGD; remove it or choose another kind");
  EXPECT_EQ(error_with("optimizer { kind: ROW_WISE_ADAGRAD beta1: 0.5 }"),
            "48: embedding.optimizer.beta1 has no effect with kind ROW_WISE_ADAGRAD; remove it or choose another kind");
  EXPECT_EQ(error_with("optimizer { initial_accumulator: 1 }"),
            "25: embedding.optimizer.initial_accumulator has no effect with kind LAZY_ADAM; remove it or choose "
            "another kind");
}

}  // namespace
}  // namespace polyscene::core
