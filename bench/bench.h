// SPDX-License-Identifier: MIT
// The subcommand `norma bench`: kernels against their physical limit, a copy of the same bytes. See
// docs/performance.md.
#pragma once

namespace CLI {
class App;
}

namespace norma::bench {

// Adds the subcommand. It throws CLI::ValidationError for a bad option, InputError where the library refuses, and
// std::runtime_error when the JSON file cannot be written.
void add_bench(CLI::App &app);

}  // namespace norma::bench
