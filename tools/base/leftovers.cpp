// SPDX-License-Identifier: MIT
#include "leftovers.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <ctime>
#include <mutex>
#include <random>
#include <set>
#include <system_error>
#include <thread>

namespace norma {

namespace fs = std::filesystem;

namespace {

struct Unfinished {
    std::mutex mutex;
    std::set<fs::path> paths;
    std::set<pid_t> children;
    sigset_t signals;  // that are waited for
    std::atomic<std::atomic<bool> *> asked{nullptr};
};

// Never destroyed: a signal may come while the program exits.
Unfinished &unfinished() {
    static Unfinished *const all = [] {
        auto *made = new Unfinished;
        sigemptyset(&made->signals);
        return made;
    }();
    return *all;
}

void remove_tree(const fs::path &path) {
    std::error_code error;
    // Again where something was written in between.
    for (int tries = 0; tries < 20 && (fs::remove_all(path, error), error); tries++) {
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
}

// Those that they started too, which may be in process groups of their own, as ninja's are: it ends them when it is
// asked to end, and what has lost its parent becomes ours to wait for.
void end_children(const std::set<pid_t> &children) {
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    for (pid_t child : children) {
        kill(-child, SIGTERM);
    }
    const auto patience = std::chrono::steady_clock::now() + std::chrono::seconds(3);
    pid_t ended = 0;
    while (ended >= 0 && std::chrono::steady_clock::now() < patience) {
        ended = waitpid(-1, nullptr, WNOHANG);
        if (ended == 0) {
            std::this_thread::sleep_for(std::chrono::milliseconds(5));
        }
    }
    if (ended >= 0) {
        for (pid_t child : children) {
            kill_child(child);
        }
    }
}

void wait_for_signal() {
    Unfinished &all = unfinished();
    int number = 0;
    std::atomic<bool> *asked = nullptr;
    do {
        sigwait(&all.signals, &number);
        asked = number == SIGINT ? all.asked.exchange(nullptr) : nullptr;
        if (asked != nullptr) {
            *asked = true;
        }
    } while (asked != nullptr);
    all.mutex.lock();  // for good: nothing more is begun, and no killed child is reported
    end_children(all.children);
    for (const fs::path &path : all.paths) {
        remove_tree(path);
    }
    signal(number, SIG_DFL);
    restore_signals();
    raise(number);
    _exit(128 + number);
}

bool is_random(const std::string &text) {
    return text.size() == random_letters && std::all_of(text.begin(), text.end(), [](char c) {
               return ('a' <= c && c <= 'z') || ('0' <= c && c <= '9');
           });
}

bool is_in_use(const fs::path &path) {
    const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    const bool locked = file >= 0 && flock(file, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    if (file >= 0) {
        close(file);
    }
    return locked;
}

bool is_old(const fs::path &path) {
    constexpr time_t day = 86400;
    struct stat status {};
    return lstat(path.c_str(), &status) == 0 && (S_ISREG(status.st_mode) || S_ISDIR(status.st_mode)) &&
           status.st_uid == geteuid() && std::time(nullptr) - status.st_mtime > day;
}

}  // namespace

void clean_up_on_signals() {
    sigset_t &signals = unfinished().signals;
    for (int number : {SIGINT, SIGTERM, SIGHUP}) {
        struct sigaction now {};
        // Ignored, as by nohup, it stays so.
        if (sigaction(number, nullptr, &now) == 0 && now.sa_handler == SIG_DFL) {
            sigaddset(&signals, number);
        }
    }
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    try {
        std::thread(wait_for_signal).detach();
    } catch (const std::system_error &) {
        restore_signals();  // without a thread a signal ends the program at once
    }
}

void ask_on_interrupt(std::atomic<bool> &asked) { unfinished().asked = &asked; }

void restore_signals() { pthread_sigmask(SIG_UNBLOCK, &unfinished().signals, nullptr); }

Leftover::Leftover(const std::function<fs::path()> &make) {
    const std::lock_guard<std::mutex> lock(unfinished().mutex);
    path_ = make();
    unfinished().paths.insert(path_);
}

Leftover::~Leftover() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
    const std::lock_guard<std::mutex> lock(unfinished().mutex);
    unfinished().paths.erase(path_);
}

pid_t fork_child() {
    Unfinished &all = unfinished();
    const std::lock_guard<std::mutex> lock(all.mutex);
    const pid_t child = fork();
    if (child == 0) {
        setpgid(0, 0);
        all.paths.clear();  // they are its parent's
        all.children.clear();
        restore_signals();
    } else if (child > 0) {
        setpgid(child, child);
        all.children.insert(child);
    }
    return child;
}

pid_t reap_child(pid_t child, int *status, int options) {
    // The number of a child may become another's as soon as it is reaped.
    const std::lock_guard<std::mutex> lock(unfinished().mutex);
    const pid_t reaped = waitpid(child, status, options);
    if (reaped == child) {
        unfinished().children.erase(child);
    }
    return reaped;
}

void kill_child(pid_t child) {
    kill(-child, SIGKILL);
    kill(child, SIGKILL);
}

std::string random_name() {
    constexpr char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789";
    std::random_device random;
    std::uniform_int_distribution<size_t> letter(0, sizeof letters - 2);
    std::string name;
    while (name.size() < random_letters) {
        name += letters[letter(random)];
    }
    return name;
}

void sweep(const fs::path &folder, const std::string &prefix, const std::string &suffix) {
    static std::set<std::pair<fs::path, std::string>> swept;
    if (!swept.emplace(folder, prefix).second) {
        return;
    }
    std::error_code error;
    for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
        const std::string name = entry->path().filename().string();
        const size_t around = prefix.size() + suffix.size();
        if (name.size() == around + random_letters && name.compare(0, prefix.size(), prefix) == 0 &&
            name.compare(name.size() - suffix.size(), suffix.size(), suffix) == 0 &&
            is_random(name.substr(prefix.size(), random_letters)) && is_old(entry->path()) &&
            !is_in_use(entry->path())) {
            std::error_code ignored;
            fs::remove_all(entry->path(), ignored);
        }
    }
}

}  // namespace norma
