#include "tests/fuzz/mutate.h"

#include <algorithm>
#include <cctype>
#include <cstdint>
#include <cstring>
#include <limits>

namespace polyscene::testing {
namespace {

constexpr size_t kMostBytes = size_t{1} << 15;

constexpr int64_t kNumbers[] = {0,
                                1,
                                -1,
                                2,
                                127,
                                255,
                                4096,
                                int64_t{1} << 24,
                                std::numeric_limits<int32_t>::max(),
                                int64_t{1} << 31,
                                (int64_t{1} << 32) - 1,
                                int64_t{1} << 61,
                                std::numeric_limits<int64_t>::max(),
                                std::numeric_limits<int64_t>::min()};
constexpr char kBytes[] = {'\0', '\x7f', '\x80', '\xff', ' ', '"', '\\', '/', '.', '-', '0', '{', '}', '[', ']', ':'};

struct Mutation {
  std::string& bytes;
  const std::vector<std::string>& seeds;
  PhiloxStream& random;

  [[nodiscard]] size_t below(size_t bound) const { return random.next_below(std::max<size_t>(bound, 1)); }
  template <class T, size_t n>
  [[nodiscard]] T one_of(const T (&all)[n]) const {
    return all[below(n)];
  }
  // Short ones are as frequent as long ones.
  [[nodiscard]] std::string piece_of(const std::string& all) const {
    const size_t at = below(all.size());
    return all.substr(at, below(size_t{1} << below(10)) + 1);
  }

  void flip() const {
    char& byte = bytes[below(bytes.size())];
    byte = static_cast<char>(byte ^ (1 << below(8)));
  }
  void set() const { bytes[below(bytes.size())] = one_of(kBytes); }
  void insert() const { bytes.insert(below(bytes.size() + 1), 1, one_of(kBytes)); }
  void truncate() const { bytes.resize(below(bytes.size())); }
  void cut() const { bytes.erase(below(bytes.size()), piece_of(bytes).size()); }
  void splice() const { bytes.insert(below(bytes.size() + 1), piece_of(seeds[below(seeds.size())])); }
  void cross() const {
    const std::string& other = seeds[below(seeds.size())];
    const size_t at = below(std::min(bytes.size(), other.size()));
    bytes = bytes.substr(0, at) + other.substr(at);
  }
  // Once as a rule, so that lists get longer; now and then until the input is as long as it may be.
  void repeat() const {
    const std::string piece = piece_of(bytes);
    const size_t at = bytes.find(piece), times = below(8) > 0 ? 1 : below((kMostBytes - bytes.size()) / piece.size());
    std::string many;
    for (size_t i = 0; i < times; ++i) many += piece;
    bytes.insert(at, many);
  }
  void binary_number() const {
    const int64_t number = one_of(kNumbers);
    const size_t width = below(2) == 0 ? 4 : 8, at = below(bytes.size() / 4 + 1) * 4;
    std::memcpy(bytes.data() + at, &number, std::min(width, bytes.size() - at));
  }
  void text_number() const {
    const auto digit = [](char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0; };
    const auto first =
        std::find_if(bytes.begin() + static_cast<std::ptrdiff_t>(below(bytes.size())), bytes.end(), digit);
    const auto last = std::find_if_not(first, bytes.end(), digit);
    const int64_t number = one_of(kNumbers);
    const bool sign = below(4) == 0;
    bytes.replace(first, last, sign ? std::to_string(number) : std::to_string(static_cast<uint64_t>(number)));
  }
};

}  // namespace

void mutate(std::string& bytes, const std::vector<std::string>& seeds, PhiloxStream& random) {
  constexpr void (Mutation::*kAll[])() const = {
      &Mutation::flip,   &Mutation::set,   &Mutation::insert, &Mutation::truncate,      &Mutation::cut,
      &Mutation::splice, &Mutation::cross, &Mutation::repeat, &Mutation::binary_number, &Mutation::text_number};
  const Mutation mutation{bytes, seeds, random};
  for (size_t changes = 1 + mutation.below(4); changes > 0 && !bytes.empty() && bytes.size() < kMostBytes; --changes)
    (mutation.*mutation.one_of(kAll))();
}

}  // namespace polyscene::testing
