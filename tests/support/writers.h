// SPDX-License-Identifier: MIT
// Memory that notes which threads write it: a page faults when it is first touched.
#pragma once

#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <set>
#include <stdexcept>
#include <vector>

namespace norma::test {

class WatchedMemory {
public:
    explicit WatchedMemory(size_t bytes) : bytes_(bytes), writers_(bytes / page + 1) {
        void *memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (memory == MAP_FAILED) {
            throw std::runtime_error("no memory to watch");
        }
        begin_ = static_cast<char *>(memory);
        current = this;
        struct sigaction action = {};
        action.sa_sigaction = on_fault;
        action.sa_flags = SA_SIGINFO;
        sigaction(SIGSEGV, &action, &before_);
    }
    ~WatchedMemory() {
        sigaction(SIGSEGV, &before_, nullptr);
        current = nullptr;
        munmap(begin_, bytes_);
    }
    WatchedMemory(const WatchedMemory &) = delete;
    WatchedMemory &operator=(const WatchedMemory &) = delete;

    void *data() const { return begin_; }

    // From now on.
    void watch() {
        for (auto &writer : writers_) {
            writer = 0;
        }
        mprotect(begin_, bytes_, PROT_NONE);
    }

    std::set<pid_t> writers() const {
        std::set<pid_t> ids(writers_.begin(), writers_.end());
        ids.erase(0);
        return ids;
    }

private:
    static constexpr size_t page = 4096;
    static inline WatchedMemory *current = nullptr;

    static void on_fault(int, siginfo_t *info, void *) {
        const size_t offset = static_cast<size_t>(static_cast<char *>(info->si_addr) - current->begin_);
        if (offset >= current->bytes_) {
            signal(SIGSEGV, SIG_DFL);  // someone else's fault: happens again, and ends the process
            return;
        }
        current->writers_[offset / page] = static_cast<pid_t>(syscall(SYS_gettid));
        mprotect(current->begin_ + offset / page * page, page, PROT_READ | PROT_WRITE);
    }

    size_t bytes_;
    char *begin_;
    std::vector<std::atomic<pid_t>> writers_;
    struct sigaction before_;
};

}  // namespace norma::test
