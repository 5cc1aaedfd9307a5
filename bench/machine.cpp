// SPDX-License-Identifier: MIT
#include "machine.h"

#include <sched.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <fstream>

#include "loops.h"

namespace norma::bench {
namespace {

std::string first_word(const std::string &path) {
    std::ifstream file(path);
    std::string word;
    file >> word;
    return word;
}

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

int64_t cache_bytes(int level) {
    const std::string base = "/sys/devices/system/cpu/cpu0/cache/index";
    for (int index = 0; index < 8; index++) {
        const std::string directory = base + std::to_string(index) + "/";
        const std::string type = first_word(directory + "type");
        const std::string size = first_word(directory + "size");  // as "32K"
        if (first_word(directory + "level") == std::to_string(level) && type != "Instruction" && !size.empty()) {
            return std::strtoll(size.c_str(), nullptr, 10) << (size.back() == 'M' ? 20 : size.back() == 'K' ? 10 : 0);
        }
    }
    return 0;
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
    machine.l1d = cache_bytes(1);
    machine.l2 = cache_bytes(2);
    machine.l3 = cache_bytes(3);
    machine.memory = int64_t{sysconf(_SC_PHYS_PAGES)} * sysconf(_SC_PAGESIZE);
    machine.os = os_name();
    machine.compiler = __VERSION__;
    machine.loops = (*runnable_loops())->name;
    return machine;
}

}  // namespace norma::bench
