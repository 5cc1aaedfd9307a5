// SPDX-License-Identifier: MIT
// The CPUs that a process may use: control groups are made-up trees of files.
#include "runtime/kernel_host/cpu/usable_cpus.h"

#include <sched.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include "tests/support/catch.h"
#include "tools/base/temporary_directory.h"

namespace {

struct Tree {
    norma::TemporaryDirectory directory{std::filesystem::temp_directory_path() / "norma_quota"};

    void write(const std::string &path, const std::string &text) const {
        const std::filesystem::path whole = directory.path / path;
        std::filesystem::create_directories(whole.parent_path());
        std::ofstream(whole) << text;
    }
    int cpus() const { return norma::cpus_of_quota(directory.path.c_str()); }
};

}  // namespace

TEST_CASE("the least quota of a group and those above it counts, rounded up", "[quota]") {
    Tree tree;
    CHECK(tree.cpus() == 0);
    tree.write("proc/self/cgroup", "0::/user.slice/job\n");
    CHECK(tree.cpus() == 0);
    tree.write("sys/fs/cgroup/user.slice/job/cpu.max", "max 100000\n");
    CHECK(tree.cpus() == 0);
    tree.write("sys/fs/cgroup/user.slice/job/cpu.max", "350000 100000\n");
    CHECK(tree.cpus() == 4);
    tree.write("sys/fs/cgroup/user.slice/cpu.max", "100000 100000\n");
    CHECK(tree.cpus() == 1);
    tree.write("sys/fs/cgroup/user.slice/cpu.max", "5000 100000\n");
    CHECK(tree.cpus() == 1);
}

TEST_CASE("a container sees its own group as the root", "[quota]") {
    Tree tree;
    tree.write("proc/self/cgroup", "0::/\n");
    tree.write("sys/fs/cgroup/cpu.max", "200000 100000\n");
    CHECK(tree.cpus() == 2);
    // Its path may be that of the host, which it does not see.
    tree.write("proc/self/cgroup", "0::/../../kubepods/pod1\n");
    CHECK(tree.cpus() == 2);
}

TEST_CASE("quotas of cgroup v1 count too", "[quota]") {
    Tree tree;
    tree.write("proc/self/cgroup", "9:memory:/docker/1\n4:cpuacct,cpu:/docker/1\n3:cpuset:/docker/1\n");
    tree.write("sys/fs/cgroup/cpuacct,cpu/docker/1/cpu.cfs_quota_us", "-1\n");
    tree.write("sys/fs/cgroup/cpuacct,cpu/docker/1/cpu.cfs_period_us", "100000\n");
    CHECK(tree.cpus() == 0);
    tree.write("sys/fs/cgroup/cpuacct,cpu/docker/1/cpu.cfs_quota_us", "150000\n");
    CHECK(tree.cpus() == 2);
    tree.write("proc/self/cgroup", "3:cpuset:/docker/1\n");
    CHECK(tree.cpus() == 0);
}

TEST_CASE("what is no quota is none", "[quota]") {
    for (const char *text : {"", "\n", "many", "-5 100000", "0 100000", "100000", "100000 0", "100000 x"}) {
        Tree tree;
        INFO(text);
        tree.write("proc/self/cgroup", "0::/a\n");
        tree.write("sys/fs/cgroup/a/cpu.max", text);
        CHECK(tree.cpus() == 0);
    }
    Tree tree;
    tree.write("proc/self/cgroup", "no line\n::\n0:\n");
    CHECK(tree.cpus() == 0);
}

TEST_CASE("no more CPUs are usable than the affinity has", "[quota]") {
    int usable = 0;
    std::thread([&] {
        const int cpu = sched_getcpu();
        cpu_set_t one;
        CPU_ZERO(&one);
        CPU_SET(cpu, &one);
        usable = sched_setaffinity(0, sizeof one, &one) == 0 ? norma::usable_cpus() : -1;
    }).join();
    CHECK(usable == 1);
}
