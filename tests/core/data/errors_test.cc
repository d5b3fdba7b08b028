// Every message about files and configuration that stops the reader before or while it reads.
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <fstream>

#include "core/data/file_list.h"
#include "ops/base/error.h"
#include "tests/core/data/parquet_fixture.h"

namespace polyscene::core::test {
namespace {

constexpr char kUser[] = R"pb(feature {
                                name: "user"
                                categorical {}
                              })pb";

class DataErrors : public ::testing::Test {
 protected:
  void write_users(const std::string& name = "a.parquet", const std::string& type = "int64") {
    write_parquet(folder_.file(name), {{"user_id", "int64", "[1, 2, 3]"}, {"user", type, "[1, 0, 1]"}}, 2);
  }

  [[nodiscard]] std::string error(const std::string& config, const SourceOptions& options = {.batch_size = 2}) {
    return message_of<DataError>(
        [&] { (void)read_epoch(*make_parquet_source(data_config(folder_, config), options)); });
  }

  [[nodiscard]] std::string usage(const std::string& config, const SourceOptions& options = {.batch_size = 2}) {
    return message_of<InvalidArgument>([&] { (void)make_parquet_source(data_config(folder_, config), options); });
  }

  [[nodiscard]] std::string quoted(const std::string& name) const { return '"' + folder_.file(name) + '"'; }

  TempFolder folder_;
};

TEST_F(DataErrors, MissingFile) {
  EXPECT_EQ(error(R"pb(train_files: "gone.parquet")pb"),
            "[data] no such file: \"gone.parquet\" of data.train_files in folder \"" + folder_.path() +
                "\"; check the pattern and data.root");
}

TEST_F(DataErrors, PatternWithoutMatch) {
  EXPECT_EQ(error(R"pb(train_files: "part-*.parquet")pb"),
            "[data] no file matches \"part-*.parquet\" of data.train_files in folder \"" + folder_.path() +
                "\"; check the pattern and data.root");
}

TEST_F(DataErrors, NoFilesConfigured) {
  write_users();
  EXPECT_EQ(usage(kUser, {.split = Split::kValid}),
            "[data] wanted files of split valid, but data.valid_files is empty; try --split train");
}

TEST_F(DataErrors, FileMatchedTwice) {
  write_users();
  EXPECT_EQ(usage(R"pb(train_files: "*.parquet" train_files: "a.*")pb"),
            "[data] file " + quoted("a.parquet") +
                " is matched by two patterns of data.train_files, \"*.parquet\" and \"a.*\"; its rows would count "
                "twice");
}

TEST_F(DataErrors, Folder) {
  std::filesystem::create_directory(folder_.file("a.parquet"));
  EXPECT_EQ(error(""), "[data] " + quoted("a.parquet") + " is a folder, wanted a Parquet file; write \"" +
                           folder_.file("a.parquet") + "/*.parquet\" in the configuration");
}

TEST_F(DataErrors, LinkToNowhere) {
  std::filesystem::create_symlink(folder_.file("gone"), folder_.file("a.parquet"));
  EXPECT_EQ(error(""), "[data] cannot open " + quoted("a.parquet") + ": No such file or directory");
}

TEST_F(DataErrors, NoRegularFile) {
  const int socket = ::socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
  folder_.file("a.parquet").copy(address.sun_path, sizeof(address.sun_path) - 1);
  ASSERT_EQ(::bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  const std::string rest = " is a pipe, a socket or a device, wanted a Parquet file; copy what it gives to a file";
  EXPECT_EQ(error(""), "[data] " + quoted("a.parquet") + rest);
  ::close(socket);
  ASSERT_EQ(::mkfifo(folder_.file("pipe").c_str(), 0600), 0);
  EXPECT_EQ(error(R"pb(train_files: "pipe")pb"), "[data] " + quoted("pipe") + rest);
}

TEST_F(DataErrors, OneFileByALink) {
  write_users();
  for (const bool hard : {false, true}) {
    const std::string link = folder_.file("z.parquet");
    if (hard)
      std::filesystem::create_hard_link(folder_.file("a.parquet"), link);
    else
      std::filesystem::create_symlink(folder_.file("a.parquet"), link);
    EXPECT_EQ(usage(""), "[data] " + quoted("a.parquet") + " and " + quoted("z.parquet") +
                             " of data.train_files are the same file, through a link; its rows would count twice: "
                             "leave one out of the patterns");
    std::filesystem::remove(link);
  }
}

TEST_F(DataErrors, TrainingFilesInAnotherSplit) {
  write_users("a.parquet");
  write_users("b.parquet");
  const auto apart = [&](const std::string& splits) {
    return message_of<InvalidArgument>([&] { require_apart(data_config(folder_, splits)); });
  };
  const std::string why = "; metrics of training rows are meaningless: leave it out of one of them";
  EXPECT_EQ(apart(R"pb(train_files: "*.parquet" valid_files: "b.*")pb"),
            "[data] file " + quoted("b.parquet") +
                " is in data.train_files, by \"*.parquet\", and in data.valid_files, by \"b.*\"" + why);
  std::filesystem::create_symlink(folder_.file("a.parquet"), folder_.file("t"));
  EXPECT_EQ(apart(R"pb(train_files: "a.parquet" valid_files: "b.*" test_files: "t")pb"),
            "[data] file " + quoted("a.parquet") +
                " is in data.train_files, by \"a.parquet\", and in data.test_files, by \"t\" as " + quoted("t") + why);
  EXPECT_EQ(apart(R"pb(train_files: "a.parquet" valid_files: "b.*" test_files: "later/*")pb"), "(nothing was thrown)");
}

TEST_F(DataErrors, NotParquet) {
  std::ofstream(folder_.file("a.parquet")) << "user,click\n1,0\n";
  EXPECT_EQ(error(""), "[data] " + quoted("a.parquet") + " is not a Parquet file: it does not start with PAR1");
  std::ofstream(folder_.file("a.parquet"), std::ios::trunc);
  EXPECT_EQ(error(""), "[data] " + quoted("a.parquet") + " is not a Parquet file: it does not start with PAR1");
}

TEST_F(DataErrors, Truncated) {
  write_users();
  for (const uintmax_t size : {200, 50, 5}) {
    std::filesystem::resize_file(folder_.file("a.parquet"), size);
    EXPECT_EQ(error(kUser), "[data] " + quoted("a.parquet") +
                                " is truncated: it starts as a Parquet file but its footer is missing; is it still "
                                "being written?");
  }
}

TEST_F(DataErrors, DamagedFooter) {
  std::ofstream(folder_.file("a.parquet")) << "PAR1" << std::string(40, '\x7f') << "PAR1";
  EXPECT_TRUE(error("").starts_with("[data] cannot read the footer of " + quoted("a.parquet") + ": ")) << error("");
}

TEST_F(DataErrors, DamagedPage) {
  write_users();
  std::fstream file(folder_.file("a.parquet"), std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(4);
  file << std::string(30, '\xff');
  file.close();
  const std::string message = error(R"pb(feature {
                                           name: "user_id"
                                           categorical {}
                                         })pb");
  EXPECT_TRUE(message.starts_with("[data] cannot read row group 0 of " + quoted("a.parquet") + ": ")) << message;
}

TEST_F(DataErrors, MissingColumn) {
  write_users();
  EXPECT_EQ(error(R"pb(feature {
                         name: "u"
                         categorical { column: "usr_id" }
                       })pb"),
            "[data] " + quoted("a.parquet") +
                " has no column \"usr_id\", wanted by feature \"u\"; did you mean \"user_id\"?");
  EXPECT_EQ(
      error(R"pb(scenario_column: "tab")pb"),
      "[data] " + quoted("a.parquet") + " has no column \"tab\", wanted by scenario_column; there are user_id, user");
}

TEST_F(DataErrors, WrongColumnTypes) {
  write_parquet(
      folder_.file("a.parquet"),
      {{"d", "decimal128(20,2)", R"(["1.50"])"}, {"s", "string", R"(["x"])"}, {"l", "list<date32>", "[[1]]"}});
  const std::string where = "[data] " + quoted("a.parquet") + ", column ";
  EXPECT_EQ(error(R"pb(feature {
                         name: "d"
                         categorical {}
                       })pb"),
            where + "\"d\": feature \"d\" wants integers or strings, got decimal128(20, 2)");
  EXPECT_EQ(error(R"pb(feature {
                         name: "s"
                         categorical { max_id: 5 }
                       })pb"),
            where + "\"s\": feature \"s\" wants integers (it has min_id or max_id), got string");
  EXPECT_EQ(error(R"pb(feature {
                         name: "s"
                         number {}
                       })pb"),
            where + "\"s\": feature \"s\" wants integers or floats, got string");
  EXPECT_EQ(error(R"pb(feature {
                         name: "s"
                         bag {}
                       })pb"),
            where + "\"s\": feature \"s\" wants lists of integers or strings, got string");
  EXPECT_EQ(error(R"pb(feature {
                         name: "h"
                         sequence { side { column: "l" } }
                       })pb"),
            where + "\"l\": feature \"h\" wants lists of integers or strings, got list<element: date32[day]>");
  EXPECT_EQ(error(R"pb(label { name: "click" column: "s" })pb"),
            where + "\"s\": label \"click\" wants integers, floats or bools holding 0 and 1, got string");
  EXPECT_EQ(error(R"pb(time_column: "s")pb"),
            where + "\"s\": time_column wants integers, timestamps or dates, got string");
  EXPECT_EQ(error(R"pb(group { name: "l" })pb"),
            where + "\"l\": group \"l\" wants integers or strings, got list<element: date32[day]>");
}

TEST_F(DataErrors, WrongWeightType) {
  write_parquet(folder_.file("a.parquet"), {{"b", "list<int64>", "[[1]]"}, {"w", "float", "[1]"}});
  EXPECT_EQ(
      error(R"pb(feature {
                   name: "b"
                   bag { weight_column: "w" }
                 })pb"),
      "[data] " + quoted("a.parquet") + ", column \"w\": feature \"b\" wants lists of integers or floats, got float");
}

TEST_F(DataErrors, TheSecondFileIsCheckedBeforeTheFirstIsRead) {
  write_users("a.parquet");
  write_users("b.parquet", "timestamp");
  EXPECT_EQ(message_of<DataError>([&] { (void)make_parquet_source(data_config(folder_, kUser), {}); }),
            "[data] " + quoted("b.parquet") +
                ", column \"user\": feature \"user\" wants integers or strings, got timestamp[us]");
}

TEST_F(DataErrors, NoRows) {
  write_parquet(folder_.file("a.parquet"), {{"user", "int64", "[]"}});
  EXPECT_EQ(error(kUser), "[data] the 1 file(s) of split train hold no rows; check data.train_files");
}

TEST_F(DataErrors, LessThanOneBatch) {
  write_users();
  EXPECT_EQ(error(kUser, {.batch_size = 1024}),
            "[data] split train has 3 rows, less than min_tail_share 0.5 of one batch of 1024, so that an epoch would "
            "have no step; lower the batch size or min_tail_share");
}

TEST_F(DataErrors, MoreRanksThanLanes) {
  write_users();
  EXPECT_EQ(usage("lanes: 4", {.rank = 0, .ranks = 5}),
            "[data] 5 ranks, but data.lanes is 4 and every rank needs a lane; raise data.lanes to at least 5 (which "
            "changes the order of the samples)");
}

TEST_F(DataErrors, ImpossibleOptions) {
  write_users();
  EXPECT_EQ(usage("", {.rank = 2, .ranks = 2}), "[data] wanted a rank of 0 .. ranks - 1, got rank 2 of 2");
  EXPECT_EQ(usage("prefetch: 0"), "[config] data.prefetch wants 1 to 4096 batches, got 0");
  EXPECT_EQ(usage("threads: 0"), "[config] data.threads wants 1 to 1024, got 0");
  EXPECT_EQ(usage("max_bad_share: 1.5"), "[config] data.max_bad_share wants a share from 0 to 1, got 1.5");
  EXPECT_EQ(usage("lanes: 0"), "[config] data.lanes wants 1 to 65536, got 0");
  EXPECT_EQ(usage("shuffle_window: 2147483648"),
            "[config] data.shuffle_window wants 1 to 2147483647 rows, got 2147483648");
}

TEST_F(DataErrors, RejectFileThatCannotBeCreated) {
  write_parquet(folder_.file("a.parquet"), {{"y", "int64", "[0, 7]"}});
  std::filesystem::create_directories(folder_.file("taken"));
  const auto source = make_parquet_source(data_config(folder_, R"pb(label { name: "y" }
                                                                    max_bad_share: 1)pb"),
                                          {.batch_size = 2, .reject_file = folder_.file("taken")});
  EXPECT_EQ(message_of<DataError>([&] { (void)read_epoch(*source); }),
            "[files] cannot create " + folder_.file("taken") + ": Is a directory; choose another place");
}

TEST_F(DataErrors, AFileThatShrinksWhileItIsRead) {
  write_users("a.parquet");
  write_users("b.parquet");
  const auto source = make_parquet_source(data_config(folder_, kUser), {.batch_size = 2});
  std::filesystem::resize_file(folder_.file("b.parquet"), 20);
  const auto read = [&] { (void)read_epoch(*source); };
  EXPECT_TRUE(message_of<DataError>(read).starts_with("[data] cannot read ")) << message_of<DataError>(read);
  const std::string again = message_of<DataError>([&] { (void)source->next(); });
  EXPECT_TRUE(again.starts_with("[data] cannot read ")) << again;  // not an ordinary end
}

TEST_F(DataErrors, AFileThatHasFewerRowsThanItsFooterSaid) {
  const auto write = [&](int64_t rows) {
    write_parquet(folder_.file("a.parquet"), {{"user", "int64", json_list(rows, [](int64_t) { return "1"; })}});
  };
  write(3);
  const auto source = make_parquet_source(data_config(folder_, kUser), {.batch_size = 3});
  write(2);
  EXPECT_EQ(message_of<DataError>([&] { (void)read_epoch(*source); }),
            "[data] row group 0 of " + quoted("a.parquet") +
                " ended after 2 of 3 rows; was the file changed while it was read?");
}

TEST_F(DataErrors, RootsMayHoldPatternLetters) {
  const std::string root = folder_.file("a[1]*");
  std::filesystem::create_directory(root);
  write_parquet(root + "/a.parquet", {{"user", "int64", "[7]"}});
  config::Data data = data_config(folder_, kUser);
  data.set_root(root);
  EXPECT_EQ(read_all(data).fields[0], (std::vector<int64_t>{7}));
}

TEST_F(DataErrors, FilesComeInPatternOrderThenByName) {
  write_parquet(folder_.file("B.parquet"), {{"user", "int64", "[2]"}});
  write_parquet(folder_.file("a.parquet"), {{"user", "int64", "[3]"}});
  write_parquet(folder_.file("z.pq"), {{"user", "int64", "[1]"}});
  auto data = data_config(folder_, R"pb(feature {
                                          name: "user"
                                          categorical {}
                                        }
                                        train_files: "*.pq"
                                        train_files: "*.parquet")pb");
  EXPECT_EQ(read_all(data).fields[0], (std::vector<int64_t>{1, 2, 3}));
}

}  // namespace
}  // namespace polyscene::core::test
