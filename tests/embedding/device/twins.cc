#include "tests/embedding/device/twins.h"

namespace polyscene::testing {

embedding::SavedRows rows_of(embedding::RowTables& tables, int index) {
  const auto n = static_cast<size_t>(tables.rows(index));
  const embedding::TableSpec& spec = tables.spec(index);
  embedding::SavedRows rows{.keys = std::vector<int64_t>(n),
                            .values = std::vector<float>(n * static_cast<size_t>(spec.dim)),
                            .state = std::vector<float>(n * static_cast<size_t>(spec.optimizer.state_width(spec.dim))),
                            .accesses = std::vector<embedding::AccessStatistics>(n)};
  tables.read_rows(index, {rows.keys, rows.values, rows.state, rows.accesses});
  return rows;
}

std::vector<float> to_host(Device& device, const TensorView& tensor) {
  std::vector<float> host(static_cast<size_t>(tensor.shape.elements()));
  if (!host.empty()) device.copy_out(host.data(), tensor.data, tensor.bytes());
  return host;
}

Twins::Twins(dist::Communicator& communicator, const std::vector<embedding::TableSpec>& specs,
             const embedding::ShardingOptions& options)
    : staged(make_staged_communicator(communicator, device)),
      tables(communicator, specs, options),
      lookup(tables),
      device_tables(device, {.host = communicator, .device = *staged}, specs, options),
      device_lookup(device_tables),
      deduplicator(tables.layout()) {
  for (int g = 0; g < tables.layout().groups(); ++g) gradient_memory_.emplace_back(device, "gradients");
}

void Twins::look_up(TestBatch& batch, embedding::LookupMode mode, const std::string& where) {
  deduplicator.run(batch.blocks(), unique);
  lookup.lookup(unique, mode);
  device_lookup.lookup(unique, mode);
  for (int g = 0; g < tables.layout().groups(); ++g) {
    ASSERT_EQ(device_lookup.rows(g).shape, lookup.rows(g).shape);
    expect_close(to_host(device, device_lookup.rows(g)), lookup.rows(g).elements<const float>(),
                 str(where, " group ", g));
  }
}

std::vector<std::vector<float>> Twins::gradients_of(int64_t step) const {
  std::vector<std::vector<float>> gradients;
  for (int g = 0; g < tables.layout().groups(); ++g) {
    PhiloxStream random(static_cast<uint64_t>(step), static_cast<uint64_t>(tables.communicator().rank() * 100 + g));
    auto& group = gradients.emplace_back(static_cast<size_t>(unique.rows(g) * tables.layout().dim(g)));
    for (float& x : group) x = static_cast<float>(random.next_normal());
  }
  return gradients;
}

void Twins::update(int64_t step, double factor) { update(gradients_of(step), factor); }

void Twins::update(const std::vector<std::vector<float>>& gradients, double factor) {
  std::vector<TensorView> views;
  for (int g = 0; g < tables.layout().groups(); ++g)
    views.push_back({const_cast<float*>(gradients[static_cast<size_t>(g)].data()),
                     DType::kFloat32,
                     {unique.rows(g), tables.layout().dim(g)}});
  lookup.update(views, factor);
  update_device(gradients, factor);
}

void Twins::update_device(const std::vector<std::vector<float>>& gradients, double factor) {
  std::vector<TensorView> views;
  for (size_t g = 0; g < gradients.size(); ++g)
    views.push_back({gradient_memory_[g].assign(gradients[g]),
                     DType::kFloat32,
                     {unique.rows(static_cast<int>(g)), tables.layout().dim(static_cast<int>(g))}});
  device_lookup.update(views, factor);
}

void Twins::compare(bool accesses) {
  EXPECT_EQ(device_tables.update_steps(), tables.update_steps());
  EXPECT_EQ(device_tables.global_rows(), tables.global_rows());
  EXPECT_EQ(device_lookup.total().rows_created, lookup.total().rows_created);
  EXPECT_EQ(device_lookup.total().rows_evicted, lookup.total().rows_evicted);
  for (int t = 0; t < tables.tables(); ++t) {
    const embedding::SavedRows want = rows_of(tables, t), got = rows_of(device_tables, t);
    ASSERT_EQ(got.keys, want.keys) << tables.layout().name(t);
    if (accesses) {
      EXPECT_EQ(got.accesses, want.accesses) << tables.layout().name(t);
    }
    expect_close(got.values, want.values, "values of " + tables.layout().name(t));
    expect_close(got.state, want.state, "state of " + tables.layout().name(t));
  }
}

}  // namespace polyscene::testing
