// SPDX-License-Identifier: MIT
// https://docs.kernel.org/admin-guide/cgroup-v2.html and cgroup-v1/, https://docs.kernel.org/scheduler/sched-bwc.html
#include "usable_cpus.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "small_file.h"

namespace norma {
namespace {

int32_t rounded_up(long long quota, long long period) {
    if (quota <= 0 || period <= 0) {
        return 0;
    }
    const long long cpus = (quota + period - 1) / period;
    return cpus > INT32_MAX ? INT32_MAX : static_cast<int32_t>(cpus);
}

int32_t lesser(int32_t a, int32_t b) { return a == 0 || (b != 0 && b < a) ? b : a; }

// "max 100000" or "150000 100000"
int32_t quota_v2(const char *group) {
    char text[128];
    read_small_file(group, "cpu.max", text, sizeof text);
    char *rest = nullptr;
    const long long quota = strtoll(text, &rest, 10);
    return rest == text ? 0 : rounded_up(quota, strtoll(rest, nullptr, 10));
}

// -1 for no quota
int32_t quota_v1(const char *group) {
    char quota[64], period[64];
    read_small_file(group, "cpu.cfs_quota_us", quota, sizeof quota);
    read_small_file(group, "cpu.cfs_period_us", period, sizeof period);
    return rounded_up(strtoll(quota, nullptr, 10), strtoll(period, nullptr, 10));
}

// Of the group below the mount point, and of all groups above it. A container may see its own group as the mount.
int32_t least_quota(const char *mount, const char *group, int32_t (*quota)(const char *)) {
    char path[small_file_path];
    const int length = snprintf(path, sizeof path, "%s%s", mount, group);
    const size_t mount_length = strlen(mount);
    if (length < 0 || static_cast<size_t>(length) >= sizeof path) {
        return 0;
    }
    int32_t least = 0;
    for (;;) {
        least = lesser(least, quota(path));
        char *slash = strrchr(path, '/');
        if (strlen(path) <= mount_length || !slash) {
            return least;
        }
        *(slash < path + mount_length ? path + mount_length : slash) = '\0';
    }
}

// Of a group of the hierarchy that is mounted as /sys/fs/cgroup/NAME.
int32_t least_below(const char *root, const char *name, int length, const char *group, int32_t (*quota)(const char *)) {
    char mount[small_file_path];
    const int needed =
        snprintf(mount, sizeof mount, "%s/sys/fs/cgroup%s%.*s", root, length > 0 ? "/" : "", length, name);
    return needed < 0 || static_cast<size_t>(needed) >= sizeof mount ? 0 : least_quota(mount, group, quota);
}

// Whether the list of controllers of a line, "cpu,cpuacct", has cpu.
bool has_cpu(const char *controllers, size_t length) {
    for (const char *at = controllers, *end = controllers + length; at < end;) {
        const char *comma = static_cast<const char *>(memchr(at, ',', static_cast<size_t>(end - at)));
        const char *stop = comma ? comma : end;
        if (stop - at == 3 && memcmp(at, "cpu", 3) == 0) {
            return true;
        }
        at = stop + 1;
    }
    return false;
}

}  // namespace

int32_t cpus_of_quota(const char *root) {
    char groups[8192];
    read_small_file(root, "proc/self/cgroup", groups, sizeof groups);
    int32_t least = 0;
    char *next = nullptr;
    for (char *line = strtok_r(groups, "\n", &next); line; line = strtok_r(nullptr, "\n", &next)) {
        // "0::/user.slice" of v2, "4:cpu,cpuacct:/docker/1" of v1
        char *controllers = strchr(line, ':');
        char *group = controllers ? strchr(controllers + 1, ':') : nullptr;
        if (!group) {
            continue;
        }
        const size_t length = static_cast<size_t>(group - controllers - 1);
        if (length == 0) {
            least = lesser(least, least_below(root, "", 0, group + 1, quota_v2));
        } else if (has_cpu(controllers + 1, length)) {
            least = lesser(least, least_below(root, controllers + 1, static_cast<int>(length), group + 1, quota_v1));
            least = lesser(least, least_below(root, "cpu", 3, group + 1, quota_v1));
        }
    }
    return least;
}

int32_t usable_cpus() {
    cpu_set_t set;
    const long cpus = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : sysconf(_SC_NPROCESSORS_ONLN);
    const int32_t count = cpus < 1 ? 1 : static_cast<int32_t>(cpus);
    return lesser(count, cpus_of_quota(""));
}

}  // namespace norma
