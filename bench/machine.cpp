// SPDX-License-Identifier: MIT
#include "machine.h"

#include <sched.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <fstream>

#include "loops.h"
#include "runtime/kernel_host/cpu/caches.h"

namespace norma::bench {
namespace {

std::string cpu_model() {
    std::ifstream file("/proc/cpuinfo");
    for (std::string line; std::getline(file, line);) {
        const size_t colon = line.find(": ");
        if (line.rfind("model name", 0) == 0 && colon != std::string::npos) {
            return line.substr(colon + 2);
        }
    }
    return "unknown";
}

int usable_cores() {
    cpu_set_t set;
    return sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 1;
}

std::string os_name() {
    utsname name = {};
    return uname(&name) == 0 ? std::string(name.sysname) + " " + name.release : "unknown";
}

}  // namespace

Machine this_machine() {
    Machine machine;
    machine.cpu = cpu_model();
    machine.cores = usable_cores();
    const Caches caches = machine_caches();
    machine.l1d = caches.l1d;
    machine.l2 = caches.l2;
    machine.l3 = caches.l3;
    machine.memory = int64_t{sysconf(_SC_PHYS_PAGES)} * sysconf(_SC_PAGESIZE);
    machine.os = os_name();
    machine.compiler = __VERSION__;
    machine.loops = (*runnable_loops())->name;
    return machine;
}

}  // namespace norma::bench
