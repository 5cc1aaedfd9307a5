// SPDX-License-Identifier: MIT
// What every program does with what goes wrong.
#pragma once

#include <CLI/CLI.hpp>
#include <algorithm>
#include <functional>
#include <numeric>
#include <string>
#include <vector>

#include "errors.h"
#include "messages.h"
#include "program_start.h"
#include "text.h"

namespace norma {

// How many letters are to be put in, left out or replaced (Levenshtein 1966).
inline size_t distance(const std::string &a, const std::string &b) {
    std::vector<size_t> row(b.size() + 1);
    std::iota(row.begin(), row.end(), size_t{0});
    for (size_t i = 1; i <= a.size(); i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b.size(); j++) {
            const size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
            diagonal = row[j];
            row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
        }
    }
    return row.back();
}

// CLI11 would say that a subcommand is missing, not which word is none.
inline void check_subcommand(const CLI::App &app, int count, char **arguments) {
    if (count < 2 || arguments[1][0] == '-') {
        return;
    }
    const std::string word = arguments[1];
    std::vector<std::string> known;
    for (const CLI::App *command : app.get_subcommands({})) {
        known.push_back(command->get_name());
    }
    if (std::find(known.begin(), known.end(), word) != known.end()) {
        return;
    }
    const auto nearest = std::min_element(known.begin(), known.end(), [&](const std::string &a, const std::string &b) {
        return distance(word, a) < distance(word, b);
    });
    const bool near = nearest != known.end() && distance(word, *nearest) <= 2 && distance(word, *nearest) < word.size();
    throw InputError("\"" + word + "\" is not a command; expected one of " + comma_separated(known) +
                     (near ? "; is " + *nearest + " meant?" : ""));
}

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
