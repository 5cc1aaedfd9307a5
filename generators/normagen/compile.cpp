// SPDX-License-Identifier: MIT
#include "compile.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>

#include "tools/base/child.h"
#include "tools/base/files.h"
#include "tools/base/messages.h"
#include "tools/base/output_file.h"
#include "tools/base/progress.h"
#include "tools/base/temporary_directory.h"

namespace norma {

namespace fs = std::filesystem;

namespace {

// Makes a child fail for the tests: NORMAGEN_FAULT=abort:TITLE, hang:TITLE or throw:TITLE, where any part of a title
// does.
void inject_fault(const std::string &title) {
    const char *fault = std::getenv("NORMAGEN_FAULT");
    const char *colon = fault ? std::strchr(fault, ':') : nullptr;
    if (!colon || title.find(colon + 1) == std::string::npos) {
        return;
    }
    const std::string kind(fault, colon);
    if (kind == "abort") {
        write_to_stderr("injected fault\n");
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

std::string report(const std::string &title, const Child &child) {
    const std::string failure = child.failure().empty() ? "its object is not in the cache" : child.failure();
    return fmt::format("{}: {} after {:.1f} s{}", title, failure, child.seconds(), end_of(child.output()));
}

// Until one of them writes or ends, or may have come to its time limit.
void wait_for_any(std::vector<pollfd> children) { poll(children.data(), children.size(), 100); }

struct Running {
    size_t job;
    std::unique_ptr<Child> child;
};

struct Wanted {
    bool objects = true;  // not the hashes alone
    bool reports = true;  // of failures, as they happen
};

class JobRun {
public:
    JobRun(const std::vector<Job> &jobs, const Cache &cache, const JobLimits &limits, Wanted wanted)
        : jobs_(jobs),
          cache_(cache),
          limits_(limits),
          wanted_(wanted),
          results_(jobs.size()),
          progress_(wanted.objects ? Progress::lines : Progress::nothing) {}

    std::vector<JobResult> run() {
        take_cached();
        while ((next_ < todo_.size() && has_time()) || !running_.empty()) {
            while (next_ < todo_.size() && (int)running_.size() < limits_.at_once && has_time()) {
                start(todo_[next_++]);
            }
            wait();
            auto ended = std::stable_partition(running_.begin(), running_.end(),
                                               [](const Running &running) { return !running.child->ended(); });
            std::for_each(ended, running_.end(), [&](const Running &running) { finish(running); });
            running_.erase(ended, running_.end());
            if (!running_.empty()) {
                const size_t done = cached() + compiled_ + failed_;
                progress_.show(fmt::format("[{}/{}] {} cached, {:.0f} s, {}", done, jobs_.size(), cached(),
                                           progress_.seconds(), jobs_[running_.front().job].title));
            }
        }
        progress_.clear();
        for (; next_ < todo_.size(); next_++) {
            results_[todo_[next_]].why = "no time was left to compile it";
            results_[todo_[next_]].late = true;
        }
        if (wanted_.objects) {
            fmt::print("normagen: {} cached, {} compiled, {} failed in {:.1f} s\n", cached(), compiled_, failed_,
                       progress_.seconds());
        }
        return std::move(results_);
    }

private:
    bool has_time() const { return limits_.budget == 0 || progress_.seconds() < limits_.budget; }
    size_t cached() const { return jobs_.size() - todo_.size(); }

    bool take(size_t job) {
        const std::optional<std::string> hash = cache_.find_hash(jobs_[job].key);
        const std::optional<CompiledKernel> found =
            hash && wanted_.objects ? cache_.find(*hash) : std::optional<CompiledKernel>();
        if (!hash || (wanted_.objects && !found)) {
            return false;
        }
        results_[job].hash = *hash;
        results_[job].compiled = found.value_or(CompiledKernel());
        return true;
    }

    void take_cached() {
        for (size_t i = 0; i < jobs_.size(); i++) {
            if (!take(i)) {
                todo_.push_back(i);
            }
        }
    }

    void start(size_t index) {
        const Job &job = jobs_[index];
        if (!scratch_) {
            scratch_.emplace(cache_.scratch());
        }
        const std::string scratch = *scratch_ / std::to_string(index);
        auto work = [&] {
            if (!wanted_.objects) {
                return cache_.add_hash(job.key, job.lower().hash, scratch);
            }
            inject_fault(job.title);
            const Unit unit = job.lower();
            cache_.add(job.key, unit.hash, unit.emit, scratch);
        };
        running_.push_back({index, std::make_unique<Child>(work, std::chrono::duration<double>(limits_.seconds))});
    }

    void wait() const {
        std::vector<pollfd> children;
        for (const Running &running : running_) {
            children.push_back(running.child->wake_up());
        }
        wait_for_any(children);
    }

    void finish(const Running &running) {
        const Job &job = jobs_[running.job];
        if (running.child->failure().empty() && take(running.job)) {
            compiled_++;
            return;
        }
        failed_++;
        results_[running.job].why = report(job.title, *running.child);
        if (wanted_.reports) {
            progress_.clear();
            tell(results_[running.job].why);
        }
    }

    const std::vector<Job> &jobs_;
    const Cache &cache_;
    const JobLimits &limits_;
    Wanted wanted_;
    std::vector<JobResult> results_;
    std::vector<size_t> todo_;
    size_t next_ = 0, compiled_ = 0, failed_ = 0;
    std::optional<TemporaryDirectory> scratch_;  // outlives those that write there
    std::vector<Running> running_;
    Progress progress_;
};

}  // namespace

std::vector<JobResult> run_jobs(const std::vector<Job> &jobs, const Cache &cache, const JobLimits &limits) {
    std::vector<JobResult> results = JobRun(jobs, cache, limits, {true, true}).run();
    const auto failed =
        std::count_if(results.begin(), results.end(), [](const JobResult &result) { return !result.why.empty(); });
    if (failed != 0) {
        throw OutputError(fmt::format("{} of {} failed; nothing is written but the cache", failed, jobs.size()));
    }
    return results;
}

std::vector<JobResult> try_jobs(const std::vector<Job> &jobs, const Cache &cache, const JobLimits &limits) {
    return JobRun(jobs, cache, limits, {true, false}).run();
}

std::vector<JobResult> lower_jobs(const std::vector<Job> &jobs, const Cache &cache, const JobLimits &limits) {
    return JobRun(jobs, cache, limits, {false, false}).run();
}

void write_apart(const std::string &title, const std::function<void(const std::string &path)> &write,
                 const std::string &path, const JobLimits &limits) {
    OutputFile file(path);
    const TemporaryDirectory scratch(fs::temp_directory_path() / "norma-kernel");
    const std::string made = scratch / "kernel.o";
    auto work = [&] {
        inject_fault(title);
        write(made);
    };
    Child child(work, std::chrono::duration<double>(limits.seconds));
    while (!child.ended()) {
        wait_for_any({child.wake_up()});
    }
    if (!child.failure().empty()) {
        throw OutputError(report(title, child));
    }
    file.write(read_file(made));
    file.finish();
}

}  // namespace norma
