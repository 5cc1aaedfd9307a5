// SPDX-License-Identifier: MIT
// https://docs.kernel.org/admin-guide/abi-stable.html: /sys/devices/system/cpu/cpuX/cache
#include "caches.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "small_file.h"

namespace norma {
namespace {

constexpr int most_indices = 16;
constexpr int64_t most_bytes = int64_t{1} << 40;

int64_t within_bounds(int64_t bytes) { return bytes > 0 && bytes <= most_bytes ? bytes : 0; }

// "1024K"
int64_t bytes_of(const char *text) {
    char *unit = nullptr;
    const long long number = strtoll(text, &unit, 10);
    const int shift = *unit == 'K' ? 10 : *unit == 'M' ? 20 : *unit == 'G' ? 30 : 0;
    return number > 0 && number <= most_bytes >> shift ? number << shift : 0;
}

int64_t or_system(int64_t bytes, const char *root, int name) {
    return bytes == 0 && root[0] == '\0' ? within_bounds(sysconf(name)) : bytes;
}

}  // namespace

Caches read_caches(const char *root) {
    Caches caches = {};
    for (int index = 0; index < most_indices; index++) {
        char folder[small_file_path], level[8], type[32], size[32];
        const int needed = snprintf(folder, sizeof folder, "%s/sys/devices/system/cpu/cpu0/cache/index%d", root, index);
        if (needed < 0 || static_cast<size_t>(needed) >= sizeof folder) {
            break;
        }
        read_small_file(folder, "level", level, sizeof level);
        read_small_file(folder, "type", type, sizeof type);
        read_small_file(folder, "size", size, sizeof size);
        int64_t *const of_level = level[0] == '1'   ? &caches.l1d
                                  : level[0] == '2' ? &caches.l2
                                  : level[0] == '3' ? &caches.l3
                                                    : nullptr;
        if (of_level && type[0] != 'I') {  // not of instructions alone
            *of_level = bytes_of(size);
        }
    }
    caches.l1d = or_system(caches.l1d, root, _SC_LEVEL1_DCACHE_SIZE);
    caches.l2 = or_system(caches.l2, root, _SC_LEVEL2_CACHE_SIZE);
    caches.l3 = or_system(caches.l3, root, _SC_LEVEL3_CACHE_SIZE);
    return caches;
}

// Two threads that come first read the same twice.
Caches machine_caches() {
    static Caches caches;
    static bool known;
    int64_t Caches::*const members[] = {&Caches::l2, &Caches::l3, &Caches::l1d};
    if (!__atomic_load_n(&known, __ATOMIC_ACQUIRE)) {
        const Caches read = read_caches("");
        for (int64_t Caches::*member : members) {
            __atomic_store_n(&(caches.*member), read.*member, __ATOMIC_RELAXED);
        }
        __atomic_store_n(&known, true, __ATOMIC_RELEASE);
    }
    Caches result = {};
    for (int64_t Caches::*member : members) {
        result.*member = __atomic_load_n(&(caches.*member), __ATOMIC_RELAXED);
    }
    return result;
}

}  // namespace norma
