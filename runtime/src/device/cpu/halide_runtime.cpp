// SPDX-License-Identifier: MIT
// All that CPU kernels ask of Halide's runtime, none of which is linked: scratch memory. But for kernels of the
// contract relaxed, a run never allocates: scratch is the caller's workspace. Another kernel that asks for more than it
// was said to need is a bug; it is reported, but must get its memory, since kernels do not check for null.
#include <string.h>

#include "runtime/kernel_host/call_context.h"

using namespace norma;

extern "C" {

void *halide_malloc(void *user_context, size_t size) {
    CallContext &context = *static_cast<CallContext *>(user_context);
    void *block = take_scratch(&context.scratch, size);
    if (!block) {
        if (!context.may_allocate && context.message[0] == '\0') {
            strcpy(context.message, "asked for more scratch than its workspace_per_element says");
        }
        block = allocate_scratch(size);
    }
    return block;
}

void halide_free(void *user_context, void *block) {
    CallContext &context = *static_cast<CallContext *>(user_context);
    if (is_scratch(context.scratch, block)) {
        give_back_scratch(&context.scratch, block);
    } else {
        free_scratch(block);
    }
}
}
