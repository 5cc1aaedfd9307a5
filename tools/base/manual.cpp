// SPDX-License-Identifier: MIT
#include "manual.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <map>

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

// For bash and zsh: the words behind each command, and behind none.
std::string cases(const CLI::App &app) {
    std::string text;
    for (const CLI::App *command : app.get_subcommands({})) {
        text += fmt::format("        {}) known=\"{}\" ;;\n", command->get_name(), words(*command));
    }
    return text + "        *) known= ;;\n    esac\n";
}

std::string bash_completion(const CLI::App &app) {
    return fmt::format(R"(_{0}() {{
    local known
    case ${{COMP_WORDS[1]}} in
{1}    [ "$COMP_CWORD" -gt 1 ] || known="{2}"
    mapfile -t COMPREPLY < <(compgen -W "$known" -- "${{COMP_WORDS[COMP_CWORD]}}")
}}
complete -o default -F _{0} {0}
)",  // default: files
                       app.get_name(), cases(app), words(app));
}

std::string zsh_completion(const CLI::App &app) {
    return fmt::format(R"(_{0}() {{
    local known
    case $words[2] in
{1}    (( CURRENT > 2 )) || known="{2}"
    compadd -- ${{=known}}
    _files
}}
compdef _{0} {0}
)",
                       app.get_name(), cases(app), words(app));
}

// One word of fish.
std::string quoted(const std::string &text) {
    std::string safe;
    for (const char c : text) {
        safe += (c == '\'' || c == '\\') ? std::string("\\") + c : std::string(1, c);
    }
    return "'" + safe + "'";
}

void append_for_fish(std::string &script, const std::string &program, const CLI::App &app, const std::string &where) {
    const std::string begin = fmt::format("complete -c {} -n {}", program, quoted(where));
    for (const CLI::App *command : app.get_subcommands({})) {
        script += fmt::format("{} -f -a {} -d {}\n", begin, command->get_name(), quoted(command->get_description()));
    }
    for (const CLI::Option *option : app.get_options()) {
        const char *value = option->get_items_expected_max() != 0 ? " -r" : "";
        for (const std::string &name : option->get_lnames()) {
            script += fmt::format("{} -l {}{} -d {}\n", begin, name, value, quoted(option->get_description()));
        }
    }
}

std::string fish_completion(const CLI::App &app) {
    std::string script;
    append_for_fish(script, app.get_name(), app, "__fish_use_subcommand");
    for (const CLI::App *command : app.get_subcommands({})) {
        append_for_fish(script, app.get_name(), *command, "__fish_seen_subcommand_from " + command->get_name());
    }
    return script;
}

const std::map<std::string, std::string (*)(const CLI::App &)> completions = {
    {"bash", bash_completion}, {"fish", fish_completion}, {"zsh", zsh_completion}};

}  // namespace

void add_manual(CLI::App &app) {
    // CLI11 prints what is thrown.
    app.add_flag_callback(
        "--man", [&app] { throw CLI::CallForVersion(man_page(app), 0); }, "Print the man page");
    app.add_option_function<std::string>(
           "--completion",
           [&app](const std::string &shell) {
               const auto found = completions.find(shell);
               if (found == completions.end()) {
                   throw CLI::ValidationError("--completion", "\"" + shell + "\"; expected bash, fish or zsh");
               }
               throw CLI::CallForVersion(found->second(app), 0);
           },
           "Print completion for a shell: bash, fish or zsh")
        ->type_name("SHELL");
}

}  // namespace norma
