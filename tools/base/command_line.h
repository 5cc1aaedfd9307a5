// SPDX-License-Identifier: MIT
// What every program does with what goes wrong.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>

#include "errors.h"
#include "messages.h"
#include "program_start.h"
#include "text.h"

namespace norma {

// Runs `work`, which parses the command line with `app`, and returns the exit status: 2 where the user could have
// avoided it, 1 where the machine or the program is to blame, as where what was printed does not reach its file.
inline int exit_status(const CLI::App &app, const std::function<void()> &work) {
    const auto complain = [](int status, const std::string &message) {
        tell(message);
        return status;
    };
    try {
        start_program(app.get_name());
        work();
    } catch (const CLI::ParseError &error) {
        if (error.get_exit_code() != 0) {
            return complain(2, one_line(error.what()));
        }
        app.exit(error);  // prints what --help or --version asks for
    } catch (const InputError &error) {
        return complain(2, one_line(error.what()));
    } catch (const std::exception &error) {
        return complain(1, error.what());
    }
    return printed_all() ? 0 : complain(1, "standard output cannot be written");
}

}  // namespace norma
