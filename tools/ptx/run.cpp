// SPDX-License-Identifier: MIT
#include <cstring>

#include "warp.h"

namespace ptx {

namespace {

std::string text_of(Dim3 d) { return std::to_string(d.x) + "x" + std::to_string(d.y) + "x" + std::to_string(d.z); }

void check_launch(const Entry &entry, Dim3 grid, Dim3 block, size_t shared_bytes, const Limits &limits) {
    const auto refuse = [&](const std::string &what) { throw Fault(entry.name + ": " + what, entry.name); };
    if (grid.count() == 0 || grid.y > 65535 || grid.z > 65535) {
        refuse("grid " + text_of(grid) + ", expected 1 to 65535 blocks in y and z, and at least 1 in x");
    }
    if (block.count() == 0 || block.count() > 1024 || block.z > 64) {
        refuse("block " + text_of(block) + ", expected 1 to 1024 threads, at most 64 in z");
    }
    const Dim3 most = entry.max_threads, exactly = entry.required_threads;
    if (most.x != 0 && block.count() > most.count()) {
        refuse("block " + text_of(block) + ", expected at most .maxntid " + text_of(most));
    }
    if (exactly.x != 0 && (block.x != exactly.x || block.y != exactly.y || block.z != exactly.z)) {
        refuse("block " + text_of(block) + ", expected .reqntid " + text_of(exactly));
    }
    if (shared_bytes > limits.shared_bytes) {
        refuse(std::to_string(shared_bytes) + " bytes of shared memory, expected at most " +
               std::to_string(limits.shared_bytes));
    }
}

void run_block(SharedMemory &shared, std::vector<Warp> &warps) {
    shared.begin_block();
    for (Warp &warp : warps) {
        warp.begin_block();
    }
    while (true) {
        const Warp *waiting = nullptr, *gone = nullptr;
        for (Warp &warp : warps) {
            if (!warp.run()) {
                gone = &warp;
            } else if (waiting == nullptr) {
                waiting = &warp;
            } else if (&warp.barrier() != &waiting->barrier()) {
                warp.fault(warp.barrier(), 0,
                           "waits at a divergent barrier: another warp of its block waits at line " +
                               std::to_string(waiting->barrier().line));
            }
        }
        if (waiting == nullptr) {
            return;
        }
        if (gone != nullptr) {
            waiting->fault(waiting->barrier(), 0,
                           "waits at a divergent barrier: another warp of its block has left the kernel");
        }
        shared.barrier();
        for (Warp &warp : warps) {
            warp.pass_barrier();
        }
    }
}

}  // namespace

void run(const Module &module, const std::string &entry, Dim3 grid, Dim3 block, size_t shared_bytes,
         const void *const *args, const Memory &memory, const Limits &limits) {
    const Program &program = module.program(entry);
    const size_t fixed = program.entry.static_shared_bytes;
    const size_t all_shared = shared_bytes == 0 ? fixed : (fixed + 15) / 16 * 16 + shared_bytes;
    check_launch(program.entry, grid, block, all_shared, limits);
    Launch launch{program, grid, block, {}, memory, limits, {}, {}, {}};
    launch.parameters.resize(program.parameter_bytes);
    for (size_t p = 0; p < program.entry.parameters.size(); p++) {
        const Parameter &parameter = program.entry.parameters[p];
        std::memcpy(&launch.parameters[parameter.offset], args[p], parameter.bytes);
    }
    for (const Variable &v : program.variables) {
        auto &ranges = v.space == Space::constant ? launch.constants : launch.variables;
        ranges.push_back({(uint64_t)(uintptr_t)v.bytes->data(), v.bytes->size()});
    }
    SharedMemory shared(all_shared);
    std::vector<Warp> warps;
    for (unsigned w = 0; (size_t)w * 32 < block.count(); w++) {
        warps.emplace_back(launch, shared, w);
    }
    for (unsigned z = 0; z < grid.z; z++) {
        for (unsigned y = 0; y < grid.y; y++) {
            for (unsigned x = 0; x < grid.x; x++) {
                launch.block_index = {x, y, z};
                run_block(shared, warps);
                launch.block_number++;
            }
        }
    }
}

}  // namespace ptx
