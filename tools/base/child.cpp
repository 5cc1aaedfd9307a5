// SPDX-License-Identifier: MIT
#include "child.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "files.h"
#include "leftovers.h"
#include "messages.h"

namespace norma {

namespace {

[[noreturn]] void run_and_exit(const std::function<void()> &work) {
    std::string message;
    try {
        work();
        _exit(0);
    } catch (const std::exception &error) {
        message = error.what();
    } catch (...) {
        message = "an exception of unknown type";
    }
    write_to_stderr(message + "\n");
    _exit(1);
}

}  // namespace

Child::Child(const std::function<void()> &work, std::chrono::duration<double> time_limit, size_t most_output)
    : time_limit_(time_limit), most_output_(most_output) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) {
        throw OutputError(fmt::format("cannot make a pipe: {}", std::strerror(errno)));
    }
    const pid_t parent = getpid();
    fflush(nullptr);
    pid_ = fork_child();
    if (pid_ < 0) {
        const int error = errno;
        close(ends[0]);
        close(ends[1]);
        throw OutputError(fmt::format("cannot make a process: {}", std::strerror(error)));
    }
    if (pid_ == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent) {
            _exit(1);  // the parent ended before it could be watched
        }
        const rlimit no_core{0, 0};
        setrlimit(RLIMIT_CORE, &no_core);
        if (const int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC); nothing >= 0) {
            dup2(nothing, STDIN_FILENO);  // a terminal stops what reads it in the background
        }
        fcntl(ends[1], F_SETFL, 0);  // blocking: nothing of a long message is lost
        dup2(ends[1], STDOUT_FILENO);
        dup2(ends[1], STDERR_FILENO);
        run_and_exit(work);
    }
    close(ends[1]);
    pipe_ = ends[0];
    running_ = true;
}

Child::~Child() {
    if (running_) {
        kill_child(pid_);
        reap_child(pid_, &wait_status_, 0);
    }
    close(pipe_);
}

bool Child::ended() {
    drain();
    if (running_ && !timed_out_ && Clock::now() - start_ > time_limit_) {
        timed_out_ = true;
        kill_child(pid_);
    }
    if (running_ && reap_child(pid_, &wait_status_, WNOHANG) == pid_) {
        running_ = false;
        drain();
    }
    return !running_;
}

void Child::wait() {
    while (!ended()) {
        pollfd wake_up = this->wake_up();
        poll(&wake_up, 1, 20);
    }
}

void Child::drain() {
    char buffer[4096];
    ssize_t count;
    while ((count = read(pipe_, buffer, sizeof buffer)) > 0) {
        output_.append(buffer, (size_t)count);
        if (output_.size() > most_output_) {
            output_.erase(0, output_.size() - most_output_ / 2);
        }
    }
}

std::string Child::failure() const {
    if (timed_out_) {
        return fmt::format("killed at its time limit of {} s", time_limit_.count());
    }
    if (WIFSIGNALED(wait_status_)) {
        return fmt::format("killed by signal {} ({})", WTERMSIG(wait_status_), strsignal(WTERMSIG(wait_status_)));
    }
    return WEXITSTATUS(wait_status_) == 0 ? "" : fmt::format("exit status {}", WEXITSTATUS(wait_status_));
}

void become_program(const std::vector<std::string> &words) {
    std::vector<char *> pointers;
    for (const std::string &word : words) {
        pointers.push_back(const_cast<char *>(word.c_str()));
    }
    pointers.push_back(nullptr);
    fflush(nullptr);
    restore_signals();
    execv(pointers[0], pointers.data());
    throw OutputError(words[0] + ": cannot run: " + std::strerror(errno));
}

std::string run_program(const std::string &purpose, const std::vector<std::string> &words) {
    const auto exec = [&] {
        unsetenv("DESTDIR");
        become_program(words);
    };
    Child child(exec, std::chrono::hours(1), size_t{1} << 28);
    child.wait();
    if (!child.failure().empty()) {
        throw OutputError(fmt::format("cannot {}: {}: {}\n{}", purpose, words[0], child.failure(), child.output()));
    }
    return child.output();
}

}  // namespace norma
