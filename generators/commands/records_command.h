// SPDX-License-Identifier: MIT
// normagen records: what a set of records says.
#pragma once

#include "generators/records/current_records.h"
#include "generators/tuning/tune.h"

namespace norma {

void add_records(CLI::App &app, const RunLater &run_later, const LoweredHashes &lowered_hashes);

}  // namespace norma
