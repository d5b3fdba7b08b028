// Initial values of rows: element i of key k in a table is a normal number from Philox block (k, i / 4), so a key gets
// the same row whatever the rank, the thread count and the order of arrival.
#pragma once

#include <cstdint>
#include <span>

namespace polyscene::embedding {

// The Philox key of a table. salt: table_salt(name).
[[nodiscard]] uint64_t initial_value_key(uint64_t seed, uint64_t salt);

// Fills values [dim] with N(0, stddev^2).
void fill_initial_values(uint64_t generator_key, int64_t key, double stddev, std::span<float> values);

}  // namespace polyscene::embedding
