// SPDX-License-Identifier: MIT
// Executes PTX on the CPU, and faults where a GPU would read garbage, race or hang: CUDA kernels tested without a GPU.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace ptx {

struct Program;

struct Parameter {
    std::string name;
    size_t bytes = 0, offset = 0;
};

struct Dim3 {
    unsigned x = 1, y = 1, z = 1;
    size_t count() const { return (size_t)x * y * z; }
};

struct Entry {
    std::string name;
    std::vector<Parameter> parameters;
    Dim3 max_threads{0, 0, 0}, required_threads{0, 0, 0};  // .maxntid, .reqntid; zeros where the text has none
    size_t static_shared_bytes = 0;
};

// Text that cannot be executed: a line, and what is unknown or wrong there.
struct ParseError : std::runtime_error {
    ParseError(int line, const std::string &what)
        : std::runtime_error("line " + std::to_string(line) + ": " + what), line(line) {}
    int line;
};

// The first thing that a kernel did wrong, or a launch that cannot be.
struct Fault : std::runtime_error {
    explicit Fault(const std::string &what, std::string kernel = "", int line = 0, Dim3 block = {0, 0, 0},
                   Dim3 thread = {0, 0, 0})
        : std::runtime_error(what), kernel(std::move(kernel)), line(line), block(block), thread(thread) {}
    std::string kernel;
    int line;  // of the PTX text, 0 when the launch itself is refused
    Dim3 block, thread;
};

class Module {
public:
    std::vector<Entry> entries() const;
    const Entry &entry(const std::string &name) const;  // throws Fault when there is none
    const Program &program(const std::string &name) const;

private:
    friend Module parse(const std::string &text);
    std::map<std::string, std::shared_ptr<const Program>> programs;
};

Module parse(const std::string &text);

// The live allocations of a device, which must stay while a kernel runs. An address on the device is the address here.
class Memory {
public:
    void *allocate(size_t bytes);         // zeroed, 256-byte aligned, freed with this object or by `release`
    void add(void *first, size_t bytes);  // memory of the caller
    void release(void *first);            // throws std::invalid_argument when nothing begins there
    struct Range {
        uint64_t first, bytes;
        bool holds(uint64_t address, uint64_t count) const {
            return address - first < bytes && count <= bytes - (address - first);
        }
    };
    const Range *find(uint64_t address) const;     // the allocation that holds the address, or null
    const Range *nearest(uint64_t address) const;  // the last that begins at or before it, or null

private:
    struct Free {
        void operator()(void *p) const;
    };
    std::map<uint64_t, Range> ranges;
    std::map<uint64_t, std::unique_ptr<void, Free>> owned;
};

struct Limits {
    size_t instructions_per_warp = size_t{1} << 26;  // more is a kernel that does not end
    size_t shared_bytes = 232448;                    // of a block, on sm_90
};

// Runs the blocks one after the other; args[i] points to the value of parameter i, as for cuLaunchKernel. Throws Fault.
void run(const Module &module, const std::string &entry, Dim3 grid, Dim3 block, size_t shared_bytes,
         const void *const *args, const Memory &memory, const Limits &limits = {});

}  // namespace ptx
