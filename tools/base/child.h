// SPDX-License-Identifier: MIT
// A function run in a process of its own: whatever happens there, abort, endless loop or fault, happens only there.
#pragma once

#include <poll.h>
#include <sys/types.h>

#include <chrono>
#include <functional>
#include <string>
#include <vector>

namespace norma {

using Clock = std::chrono::steady_clock;

class Child {
public:
    // Runs `work` in a forked child. An exception there is written to its stderr and makes it fail. Of more output than
    // `most_output` bytes the end is kept, which says why.
    Child(const std::function<void()> &work, std::chrono::duration<double> time_limit, size_t most_output = 1 << 16);
    Child(const Child &) = delete;
    Child &operator=(const Child &) = delete;
    ~Child();  // kills it where it still runs

    // Whether it has ended; ends it where its time is over.
    bool ended();

    void wait();  // until it has ended

    // After it has ended: how it failed, "" when it did not, and what it wrote to stderr and stdout.
    std::string failure() const;
    const std::string &output() const { return output_; }

    pid_t pid() const { return pid_; }
    double seconds() const { return std::chrono::duration<double>(Clock::now() - start_).count(); }
    pollfd wake_up() const { return {pipe_, POLLIN, 0}; }

private:
    void drain();

    pid_t pid_ = -1;
    int pipe_ = -1;
    int wait_status_ = 0;
    bool running_ = false, timed_out_ = false;
    std::chrono::duration<double> time_limit_;
    Clock::time_point start_ = Clock::now();
    size_t most_output_;
    std::string output_;
};

// Takes the place of this process: what the program prints, and how it ends, is what this one does. Throws OutputError.
[[noreturn]] void become_program(const std::vector<std::string> &words);

// Runs a program to its end, without DESTDIR, and returns what it wrote. Throws OutputError where it fails: "cannot
// PURPOSE", and what it wrote.
std::string run_program(const std::string &purpose, const std::vector<std::string> &words);

}  // namespace norma
