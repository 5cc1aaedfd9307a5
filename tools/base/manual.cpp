// SPDX-License-Identifier: MIT
#include "manual.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <functional>

namespace norma {
namespace {

// In roff a hyphen is a minus only if escaped, and a dot or quote that begins a line is a request.
std::string roff(const std::string &text) {
    std::string escaped;
    for (const char c : text) {
        if (c == '-' || c == '\\') {
            escaped += '\\';
        } else if ((c == '.' || c == '\'') && (escaped.empty() || escaped.back() == '\n')) {
            escaped += "\\&";
        }
        escaped += c;
    }
    return escaped;
}

std::string upper(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::toupper(c); });
    return text;
}

void append_options(std::string &page, const CLI::App &app) {
    for (const CLI::Option *option : app.get_options()) {
        const bool has_value = option->get_items_expected_max() != 0;
        const std::string value = has_value && !option->get_positional() ? " " + option->get_type_name() : "";
        page += fmt::format(".TP\n.B {}{}\n{}", roff(option->get_name(option->get_positional(), true)), roff(value),
                            roff(option->get_description()));
        if (!option->get_default_str().empty()) {
            page += fmt::format(" (default: {})", roff(option->get_default_str()));
        }
        page += '\n';
    }
}

void append_command(std::string &page, const CLI::App &command, const std::string &parent = "") {
    const std::string name = parent + command.get_name();
    page += fmt::format(".SS {}\n{}\n", roff(name), roff(command.get_description()));
    append_options(page, command);
    for (const CLI::App *nested : command.get_subcommands({})) {
        append_command(page, *nested, name + " ");
    }
}

std::string words(const CLI::App &app) {
    std::string all;
    for (const CLI::App *command : app.get_subcommands({})) {
        all += command->get_name() + " ";
    }
    for (const CLI::Option *option : app.get_options()) {
        for (const std::string &name : option->get_lnames()) {
            all += "--" + name + " ";
        }
    }
    return all;
}

std::string man_page(const CLI::App &app) {
    const std::string &name = app.get_name();
    std::string page = fmt::format(".TH {} 1 \"\" \"{} {}\"\n.SH NAME\n{} \\- {}\n", upper(name), name, NORMA_VERSION,
                                   name, roff(app.get_description()));
    page += fmt::format(".SH SYNOPSIS\n.B {}\nCOMMAND [OPTIONS]\n.SH OPTIONS\n", name);
    append_options(page, app);
    page += ".SH COMMANDS\n";
    for (const CLI::App *command : app.get_subcommands({})) {
        append_command(page, *command);
    }
    page +=
        ".SH EXIT STATUS\n0: done. 1: the machine or the program is to blame. 2: the input is, and a line on standard "
        "error says how.\n";
    return page;
}

std::string bash_completion(const CLI::App &app) {
    const std::string &name = app.get_name();
    std::string script = fmt::format("_{}() {{\n    local words\n    case ${{COMP_WORDS[1]}} in\n", name);
    for (const CLI::App *command : app.get_subcommands({})) {
        script += fmt::format("        {}) words=\"{}\" ;;\n", command->get_name(), words(*command));
    }
    script += "        *) words= ;;\n    esac\n";
    script += fmt::format("    [ \"$COMP_CWORD\" -gt 1 ] || words=\"{}\"\n", words(app));
    script += "    mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"${COMP_WORDS[COMP_CWORD]}\")\n}\n";
    return script + fmt::format("complete -o default -F _{} {}\n", name, name);  // default: files
}

}  // namespace

void add_manual(CLI::App &app) {
    const auto add = [&app](const char *flag, const char *what, const std::function<std::string()> &text) {
        app.add_flag_callback(
            flag, [text] { throw CLI::CallForVersion(text(), 0); }, what);  // CLI11 prints it
    };
    add("--man", "Print the man page", [&app] { return man_page(app); });
    add("--completion", "Print completion for bash", [&app] { return bash_completion(app); });
}

}  // namespace norma
