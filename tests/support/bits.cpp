// SPDX-License-Identifier: MIT
// bits TARGET: one line for each kernel and hidden size, with a hash of its outputs: to compare builds with each other.
// No NaN is among them, since its sign and payload are the processor's. Status 77: this CPU does not run the target.
#include <cstdio>
#include <cstring>

#include "call.h"

namespace {

using namespace norma::test;

constexpr RowKind kinds[] = {RowKind::normal, RowKind::shifted,  RowKind::near_limit,
                             RowKind::small,  RowKind::denormal, RowKind::spike};

uint64_t hash_of_outputs(CallSpec spec) {
    uint64_t hash = 0;
    for (RowKind kind : kinds) {
        spec.kind = kind;
        Call call(spec);
        call.run();
        for (int role = 0; role < role_count; role++) {
            const std::string bytes = spec.is_output(role) ? call.bytes(role) : "";
            for (char byte : bytes) {
                hash = mix(hash, static_cast<unsigned char>(byte));
            }
        }
    }
    return hash;
}

}  // namespace

int main(int count, char **arguments) {
    if (count != 2) {
        std::fprintf(stderr, "bits: expected the name of a target\n");
        return 2;
    }
    bool found = false;
    for (const norma_kernel_info &kernel : runnable_kernels()) {
        if (std::strcmp(kernel.target, arguments[1]) != 0) {
            continue;
        }
        found = true;
        for (int64_t hidden : {1, 3, 63, 64, 100, 320, 1024, 1027, 4160}) {
            if (can_run(kernel, hidden)) {
                CallSpec spec;
                spec.kernel = kernel;
                spec.hidden = hidden;
                std::printf("%s %lld %016llx\n", kernel.name, static_cast<long long>(hidden),
                            static_cast<unsigned long long>(hash_of_outputs(spec)));
            }
        }
    }
    return found ? 0 : 77;
}
