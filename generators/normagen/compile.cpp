// SPDX-License-Identifier: MIT
#include "compile.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "child.h"
#include "files.h"
#include "progress.h"

namespace norma {

namespace fs = std::filesystem;

namespace {

// Makes a child fail for the tests: NORMAGEN_FAULT=abort:TITLE, hang:TITLE or throw:TITLE, where any part of a title does.
void inject_fault(const std::string &title) {
    const char *fault = std::getenv("NORMAGEN_FAULT");
    const char *colon = fault ? std::strchr(fault, ':') : nullptr;
    if (!colon || title.find(colon + 1) == std::string::npos) {
        return;
    }
    const std::string kind(fault, colon);
    if (kind == "abort") {
        fmt::print(stderr, "injected fault\n");
        std::abort();
    }
    while (kind == "hang") {
        pause();
    }
    if (kind == "throw") {
        throw std::runtime_error("injected fault");
    }
}

// The last lines of what a child wrote.
std::string end_of(const std::string &output) {
    constexpr int lines = 30;
    size_t end = output.find_last_not_of('\n') + 1, begin = end;
    for (int i = 0; i < lines && begin != 0 && begin != std::string::npos; i++) {
        begin = output.rfind('\n', begin - 1);
    }
    begin = begin == std::string::npos ? 0 : begin;
    std::string text = "\n" + output.substr(begin, end - begin);
    for (size_t at = 0; (at = text.find('\n', at)) != std::string::npos; at += 5) {
        text.replace(at, 1, "\n    ");
    }
    return end == 0 ? "" : text;
}

std::string report(const Job &job, const Child &child) {
    const std::string failure = child.failure().empty() ? "its object is not in the cache" : child.failure();
    return fmt::format("{}: {} after {:.1f} s{}", job.title, failure, child.seconds(), end_of(child.output()));
}

void wait_for_any(const std::vector<pollfd> &children) {
    std::vector<pollfd> polled = children;
    poll(polled.data(), polled.size(), 100);
}

}  // namespace

std::vector<CompiledKernel> run_jobs(const std::vector<Job> &jobs, const Cache &cache, const JobLimits &limits) {
    std::vector<CompiledKernel> results(jobs.size());
    std::vector<size_t> todo;
    for (size_t i = jobs.size(); i-- > 0;) {
        if (std::optional<CompiledKernel> found = cache.find(jobs[i].hash, jobs[i].symbol)) {
            results[i] = *found;
        } else {
            todo.push_back(i);
        }
    }
    const size_t cached = jobs.size() - todo.size();
    size_t compiled = 0, failed = 0;
    Progress progress(jobs.size());

    struct Running {
        size_t job;
        std::unique_ptr<Child> child;
    };
    std::vector<Running> running;
    auto finish = [&](Running &run) {
        const Job &job = jobs[run.job];
        std::optional<CompiledKernel> result;
        if (run.child->failure().empty()) {
            result = cache.find(job.hash, job.symbol);
        }
        if (result) {
            results[run.job] = *result;
            compiled++;
            return;
        }
        failed++;
        cache.discard(job.hash, run.child->pid());
        progress.clear();
        fmt::print(stderr, "normagen: {}\n", report(job, *run.child));
    };
    while (!todo.empty() || !running.empty()) {
        while (!todo.empty() && (int)running.size() < limits.at_once) {
            const Job &job = jobs[todo.back()];
            auto work = [&] {
                inject_fault(job.title);
                cache.add(job.hash, job.symbol, job.compile);
            };
            running.push_back({todo.back(), std::make_unique<Child>(work, std::chrono::duration<double>(limits.seconds))});
            todo.pop_back();
        }
        std::vector<pollfd> wake_ups;
        for (const Running &run : running) {
            wake_ups.push_back(run.child->wake_up());
        }
        wait_for_any(wake_ups);
        for (size_t i = running.size(); i-- > 0;) {
            if (running[i].child->ended()) {
                finish(running[i]);
                running.erase(running.begin() + (long)i);
            }
        }
        if (!running.empty()) {
            progress.show(cached + compiled + failed, cached, jobs[running.front().job].title);
        }
    }
    progress.clear();
    fmt::print("normagen: {} cached, {} compiled, {} failed in {:.1f} s\n", cached, compiled, failed, progress.seconds());
    if (failed != 0) {
        throw OutputError(fmt::format("{} of {} failed; nothing is written but the cache", failed, jobs.size()));
    }
    return results;
}

void run_job(const Job &job, const std::string &path, const JobLimits &limits) {
    const std::string temporary = path + "." + std::to_string(getpid()) + ".tmp";
    auto work = [&] {
        inject_fault(job.title);
        job.compile(temporary);
    };
    Child child(work, std::chrono::duration<double>(limits.seconds));
    while (!child.ended()) {
        wait_for_any({child.wake_up()});
    }
    std::string failure = child.failure().empty() ? "" : report(job, child);
    if (failure.empty() && rename(temporary.c_str(), path.c_str()) != 0) {
        failure = path + ": cannot write: " + std::strerror(errno);
    }
    if (!failure.empty()) {
        std::error_code ignored;
        fs::remove(temporary, ignored);
        throw OutputError(failure);
    }
}

}  // namespace norma
