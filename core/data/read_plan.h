// Everything about a split that is fixed while it is read. Built once, shared by all threads.
#pragma once

#include "core/data/batch_source.h"
#include "core/data/carrier.h"
#include "core/data/decoder.h"
#include "core/data/global_order.h"
#include "core/data/scenario_filter.h"
#include "core/data/split_files.h"
#include "core/features/column_request.h"

namespace polyscene::core {

struct ReadPlan {
  // Throws InvalidArgument for impossible options, DataError for unusable files.
  ReadPlan(const config::Data& data, const SourceOptions& options);

  config::Data data;
  SourceOptions options;
  FeatureSchema schema;
  ColumnSet columns;
  RowDecoder decoder;
  Carrier carrier;
  SplitFiles split;
  GlobalOrder order;
  int first_lane, last_lane;  // lanes of this rank: [first_lane, last_lane)
  ScenarioFilter scenarios;
};

}  // namespace polyscene::core
