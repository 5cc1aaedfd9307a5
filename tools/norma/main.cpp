// SPDX-License-Identifier: MIT
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <norma/norma.hpp>
#include <string>

#include "bench/bench.h"
#include "commands.h"
#include "one_line.h"
#include "tools/safetensors/safetensors.h"

namespace {

enum Exit { ok = 0, failed = 1, bad_input = 2 };

Exit complain(Exit status, const char *message) {
    std::fprintf(stderr, "norma: %s\n", norma::tool::one_line(message).c_str());
    return status;
}

// Output that does not reach its file is a failure.
Exit finish() { return std::fflush(stdout) == 0 ? ok : complain(failed, "standard output cannot be written"); }

// A status that the caller could have avoided, as against one that the machine or Norma is to blame for.
bool is_refusal(norma_status status) {
    return status != NORMA_OUT_OF_MEMORY && status != NORMA_PARALLEL_FOR_FAILED && status != NORMA_INTERNAL &&
           status != NORMA_DEVICE_ERROR;
}

// CLI11 would say that a subcommand is missing, not which word is none.
void check_subcommand(const CLI::App &app, const std::string &word) {
    std::string known;
    for (const CLI::App *command : app.get_subcommands({})) {
        if (command->get_name() == word) {
            return;
        }
        known += (known.empty() ? "" : ", ") + command->get_name();
    }
    throw norma::tool::InputError("\"" + word + "\" is not a command; expected one of " + known);
}

}  // namespace

int main(int count, char **arguments) {
    CLI::App app("LayerNorm and RMSNorm kernels compiled ahead of time", "norma");
    app.set_version_flag("--version", norma_version());
    app.require_subcommand(1);
    norma::tool::add_list(app);
    norma::tool::add_info(app);
    norma::tool::add_run(app);
    norma::tool::add_demo(app);
    norma::tool::add_quality(app);
    norma::bench::add_bench(app);
    try {
        if (count > 1 && arguments[1][0] != '-') {
            check_subcommand(app, arguments[1]);
        }
        app.parse(count, arguments);
        return finish();
    } catch (const CLI::ParseError &error) {
        if (error.get_exit_code() != 0) {
            return complain(bad_input, error.what());
        }
        app.exit(error);  // prints what --help or --version asks for
        return finish();
    } catch (const norma::tool::InputError &error) {
        return complain(bad_input, error.what());
    } catch (const norma::safetensors::FormatError &error) {
        return complain(bad_input, error.what());
    } catch (const norma::Error &error) {
        return complain(is_refusal(error.status()) ? bad_input : failed, error.what());
    } catch (const std::exception &error) {
        return complain(failed, error.what());
    }
}
