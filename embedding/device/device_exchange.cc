#include "embedding/device/device_exchange.h"

#include <numeric>

namespace polyscene::embedding {

DeviceExchange::DeviceExchange(DeviceTables& tables)
    : tables_(tables), counts_(tables.layout(), tables.communicator().size()) {
  for (int g = 0; g < tables.layout().groups(); ++g) matrices_.emplace_back(tables.device(), "rows of the lookup");
}

template <class T>
void DeviceExchange::all_to_all(dist::Communicator& communicator, const T* input, const std::vector<int64_t>& to,
                                T* output, const std::vector<int64_t>& from) {
  const auto sum = [](const std::vector<int64_t>& counts) -> size_t {
    return std::accumulate(counts.begin(), counts.end(), int64_t{0});
  };
  communicator.all_to_all_v<T>({input, sum(to)}, to, {output, sum(from)}, from);
  const size_t own = to[communicator.rank()];
  bytes_sent_ += (sum(to) - own) * sizeof(T);
}

std::span<const int64_t> DeviceExchange::send_keys(const UniqueKeys& unique) {
  counts_.exchange(unique, tables_.communicator());
  bytes_sent_ += counts_.bytes_sent();
  for (int g = 0; g < tables_.layout().groups(); ++g) matrices_[g].resize(counts_.gradients(g).all_from);
  const ExchangeCounts::Message& message = counts_.keys();
  all_to_all<int64_t>(tables_.communicator(), unique.keys().data(), message.to, keys_.resize(message.all_from).data(),
                      message.from);
  return keys_.span();
}

void DeviceExchange::send_rows(int group, float* rows) {
  const ExchangeCounts::Message& message = counts_.gradients(group);
  all_to_all<float>(tables_.device_communicator(), matrix(group), message.from, rows, message.to);
}

void DeviceExchange::send_gradients(int group, const float* gradients) {
  const ExchangeCounts::Message& message = counts_.gradients(group);
  all_to_all<float>(tables_.device_communicator(), gradients, message.to, matrix(group), message.from);
}

}  // namespace polyscene::embedding
