// SPDX-License-Identifier: MIT
// What follows from the caches of a machine, from made-up trees of files.
#include "runtime/kernel_host/cpu/streaming_choice.h"

#include <filesystem>
#include <fstream>
#include <string>

#include "tests/support/catch.h"
#include "tools/base/temporary_directory.h"

using norma::Caches;
using norma::RunTime;

namespace {

constexpr int64_t kb = 1 << 10, mb = 1 << 20;

struct Tree {
    norma::TemporaryDirectory directory{std::filesystem::temp_directory_path() / "norma_caches"};

    void cache(int index, const std::string &level, const std::string &type, const std::string &size) const {
        const std::filesystem::path folder =
            directory.path / ("sys/devices/system/cpu/cpu0/cache/index" + std::to_string(index));
        std::filesystem::create_directories(folder);
        std::ofstream(folder / "level") << level << "\n";
        std::ofstream(folder / "type") << type << "\n";
        std::ofstream(folder / "size") << size << "\n";
    }
    Caches read() const { return norma::read_caches(directory.path.c_str()); }
};

}  // namespace

TEST_CASE("caches are read as the system describes them", "[caches]") {
    const Tree tree;
    CHECK(tree.read().l2 == 0);
    tree.cache(0, "1", "Data", "48K");
    tree.cache(1, "1", "Instruction", "32K");
    tree.cache(2, "2", "Unified", "2048K");
    CHECK((tree.read().l1d == 48 * kb && tree.read().l2 == 2 * mb && tree.read().l3 == 0));
    tree.cache(3, "3", "Unified", "300M");
    CHECK(tree.read().l3 == 300 * mb);
    tree.cache(4, "2", "Instruction", "64K");
    CHECK(tree.read().l2 == 2 * mb);
}

TEST_CASE("sizes that make no sense count as unknown", "[caches]") {
    const Tree tree;
    for (const char *size : {"", "K", "-4K", "0K", "99999999999G", "99999999999999999999K"}) {
        CAPTURE(size);
        tree.cache(2, "2", "Unified", size);
        CHECK(tree.read().l2 == 0);
    }
}

TEST_CASE("this machine's caches are the same at each call", "[caches]") {
    const Caches first = norma::machine_caches(), second = norma::machine_caches();
    CHECK((first.l2 == second.l2 && first.l3 == second.l3));
}

TEST_CASE("the streaming threshold follows from the caches, within bounds", "[caches]") {
    struct Machine {
        const char *what;
        Caches caches;
        int64_t threshold;
    };
    const Machine machines[] = {
        {"Zen 4 and Zen 5, measured at 12 to 16 MB", {1 * mb, 32 * mb}, 16 * mb},
        {"a virtual Intel server, measured at 4 MB", {2 * mb, 300 * mb}, 4 * mb},
        {"a laptop", {256 * kb, 8 * mb}, 4 * mb},
        {"a third level on top of another", {1 * mb, 96 * mb}, 48 * mb},
        {"no third level", {1 * mb, 0}, 2 * mb},
        {"a small core", {128 * kb, 0}, 1 * mb},
        {"a large second level alone", {512 * mb, 0}, 64 * mb},
        {"a third level alone", {0, 16 * mb}, 8 * mb},
        {"unknown", {0, 0}, 16 * mb},
    };
    for (const Machine &machine : machines) {
        CAPTURE(machine.what);
        CHECK(norma::streaming_threshold_of(machine.caches) == machine.threshold);
    }
}

TEST_CASE("what a kernel's table says itself is kept, but for rows too long to prefetch", "[caches]") {
    const Caches caches = {512 * kb, 8 * mb};
    const RunTime own = norma::with_caches({77, 2048, 256 * kb, 32768}, caches);
    CHECK(own.streaming_threshold == 77);
    CHECK((own.prefetch_row_min == 2048 && own.prefetch_row_max == 128 * kb && own.grain_size == 32768));
    const RunTime left = norma::with_caches({norma::threshold_of_caches, 2048, 64 * kb, 32768}, caches);
    CHECK((left.streaming_threshold == 4 * mb && left.prefetch_row_max == 64 * kb));
    CHECK(norma::with_caches({1, 0, 256 * kb, 1}, {}).prefetch_row_max == 256 * kb);
}
