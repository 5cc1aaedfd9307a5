// SPDX-License-Identifier: MIT
// What a program must not leave behind: files and folders that are not finished, and running children. They go where
// SIGINT, SIGTERM or SIGHUP ends it too.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <filesystem>
#include <functional>
#include <string>

namespace norma {

// From here on those signals end the program after all of this is removed. To be called before there are threads.
void clean_up_on_signals();

// The first SIGINT after this sets `asked` and ends nothing.
void ask_on_interrupt(std::atomic<bool> &asked);

// The signals as they were before, for a program that takes the place of this one.
void restore_signals();

// A file or folder, removed with all that it holds when this goes, or by a signal.
class Leftover {
public:
    explicit Leftover(const std::function<std::filesystem::path()> &make);
    Leftover(const Leftover &) = delete;
    Leftover &operator=(const Leftover &) = delete;
    ~Leftover();

    const std::filesystem::path &path() const { return path_; }

private:
    std::filesystem::path path_;
};

// A fork whose child, a process group of its own, is killed by a signal that ends this program.
pid_t fork_child();

// As waitpid(); a child that it returns is no longer killed.
pid_t reap_child(pid_t child, int *status, int options);

void kill_child(pid_t child);  // with all that it started in its process group

// The end of a name that nobody can foresee.
constexpr size_t random_letters = 8;
std::string random_name();

// Removes what killed programs of this user left in `folder` more than a day ago: what is named PREFIX, a random name,
// SUFFIX, and nobody has locked. Looks once for each program.
void sweep(const std::filesystem::path &folder, const std::string &prefix, const std::string &suffix);

}  // namespace norma
