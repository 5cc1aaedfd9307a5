// SPDX-License-Identifier: MIT
// Calls that a caller might make by mistake. In CI a few thousand from one seed; NORMA_RANDOM_SECONDS and
// NORMA_RANDOM_SEED ask for others (script/nightly).
#include <chrono>
#include <cstdlib>
#include <string>

#include "random_call.h"
#include "tests/support/catch.h"
#include "tests/support/environment.h"

namespace {

using namespace norma::test;

uint64_t number(const char *variable, uint64_t otherwise) {
    const char *text = std::getenv(variable);
    return text ? std::strtoull(text, nullptr, 10) : otherwise;
}

}  // namespace

TEST_CASE("random calls write what they are asked for, or are refused and write nothing", "[random]") {
    const Environment environment("NORMA_GRAIN_SIZE", "1");  // so that three rows are three tasks
    const uint64_t seed = number("NORMA_RANDOM_SEED", 1), seconds = number("NORMA_RANDOM_SECONDS", 0);
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(seconds);
    constexpr uint64_t least = 20000;
    uint64_t calls = 0, ran = 0;
    for (; calls < least || std::chrono::steady_clock::now() < end; calls++) {
        Choices choices(seed * 1000000007 + calls);
        const Outcome outcome = choices.one_in(20) ? random_query(choices) : random_call(choices);
        ran += outcome.status == NORMA_OK;
        INFO("NORMA_RANDOM_SEED=" << seed << ", call " << calls);
        REQUIRE(outcome.problem == "");
    }
    norma_set_num_threads(0);
    norma_plan_cache_set_capacity(64);
    WARN(calls << " calls, " << ran << " of them accepted, seed " << seed);
    CHECK(ran > calls / 10);
    CHECK(ran < calls * 9 / 10);
}
