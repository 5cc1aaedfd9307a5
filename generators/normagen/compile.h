// SPDX-License-Identifier: MIT
// Compiles many kernels at once, each in its own process, through the cache.
#pragma once

#include <string>
#include <vector>

#include "cache.h"

namespace norma {

struct Job {
    std::string title;  // for people
    std::string symbol, hash;
    Cache::Compile compile;
};

struct JobLimits {
    int at_once = 1;
    double seconds = 120;  // for each job
    double budget = 0;     // seconds after which none is started; 0: no end
};

struct JobResult {
    CompiledKernel compiled;
    std::string why;    // there is none; empty where there is
    bool late = false;  // it was not started
};

// One result for each job, those that failed included; failures are not reported.
std::vector<JobResult> try_jobs(const std::vector<Job> &jobs, const Cache &cache, const JobLimits &limits);

// One result for each job. Where any fails, each failure is reported on stderr as it happens, the others are finished,
// and OutputError is thrown.
std::vector<CompiledKernel> run_jobs(const std::vector<Job> &jobs, const Cache &cache, const JobLimits &limits);

// A job that writes `path` instead of an entry of a cache; written whole or not at all. Throws OutputError.
void run_job(const Job &job, const std::string &path, const JobLimits &limits);

}  // namespace norma
