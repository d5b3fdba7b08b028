#include "embedding/keys/row_lookup.h"

namespace polyscene::embedding {

LookupStatistics& LookupStatistics::operator+=(const LookupStatistics& other) {
  steps += other.steps;
  keys_in += other.keys_in;
  keys_sent += other.keys_sent;
  keys_received += other.keys_received;
  keys_owned += other.keys_owned;
  rows_created += other.rows_created;
  rows_evicted += other.rows_evicted;
  bytes_sent += other.bytes_sent;
  return *this;
}

}  // namespace polyscene::embedding
