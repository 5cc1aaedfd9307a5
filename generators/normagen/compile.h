// SPDX-License-Identifier: MIT
// Lowers and compiles many kernels at once, each in its own process, through the cache.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "cache.h"

namespace norma {

// What is to be an object: its hash, and how it is made one.
struct Unit {
    std::string hash;
    Cache::Emit emit;
};

struct Job {
    std::string title;  // for people
    std::string symbol;
    std::string key;  // of all that `lower` depends on
    std::function<Unit()> lower;
};

struct JobLimits {
    int at_once = 1;
    double seconds = 120;  // for each job
    double budget = 0;     // seconds after which none is started; 0: no end
};

struct JobResult {
    std::string hash;  // of the lowered code
    CompiledKernel compiled;
    std::string why;    // there is none; empty where there is
    bool late = false;  // it was not started
};

// One result for each job, those that failed included; failures are not reported.
std::vector<JobResult> try_jobs(const std::vector<Job> &jobs, const Cache &cache, const JobLimits &limits);

// One result for each job. Where any fails, each failure is reported on stderr as it happens, the others are finished,
// and OutputError is thrown.
std::vector<JobResult> run_jobs(const std::vector<Job> &jobs, const Cache &cache, const JobLimits &limits);

// The hashes alone: nothing is compiled, nothing printed.
std::vector<JobResult> lower_jobs(const std::vector<Job> &jobs, const Cache &cache, const JobLimits &limits);

// In a process of its own, `write` makes a file, whose content an OutputFile at `path` gets. Throws OutputError.
void write_apart(const std::string &title, const std::function<void(const std::string &path)> &write,
                 const std::string &path, const JobLimits &limits);

}  // namespace norma
