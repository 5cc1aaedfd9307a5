// SPDX-License-Identifier: MIT
#include "variant_text.h"

#include "names.h"

namespace norma {

void add_manifest_line(Text &text, const norma_plan_desc &desc) {
    auto member = [&](const char *key, const char *value) { text.add("\"%s\": \"%s\", ", key, value); };
    text.add("{");
    member("op", op_name(desc.op));
    member("x", dtype_name(desc.x));
    if (desc.y != desc.x) {
        member("y", dtype_name(desc.y));
    }
    struct Optional {
        const char *key;
        norma_dtype dtype;
    };
    const Optional parts[] = {
        {"y_float", desc.y_float}, {"weight", desc.weight}, {"bias", desc.bias}, {"residual", desc.residual}};
    for (const Optional &part : parts) {
        if (part.dtype != NORMA_NONE) {
            member(part.key, dtype_name(part.dtype));
        }
    }
    if (desc.scale != NORMA_SCALE_NONE) {
        member("scale", scale_name(desc.scale));
    }
    if (desc.flags & NORMA_RECOMPUTE_STATISTICS) {
        member("statistics", "recomputed");
    }
    if (desc.contract != NORMA_FP32_ONCE) {
        member("contract", contract_name(desc.contract));
    }
    text.add("\"hidden\": \"any\"}");
}

bool add_mismatch(Text &text, const Kernel &kernel, const norma_plan_desc &desc) {
    auto differs = [&](const char *what, const char *has, const char *asked) {
        text.add("%s is %s; asked for %s", what, has, asked);
        return true;
    };
    if (kernel.op != desc.op) {
        return differs("op", op_name(kernel.op), op_name(desc.op));
    }
    struct Part {
        const char *name;
        norma_dtype has, asked;
    };
    const Part parts[] = {{"x", kernel.x, desc.x},
                          {"y", kernel.y, desc.y},
                          {"y_float", kernel.y_float, desc.y_float},
                          {"weight", kernel.weight, desc.weight},
                          {"bias", kernel.bias, desc.bias},
                          {"residual", kernel.residual, desc.residual}};
    for (const Part &part : parts) {
        if (part.has != part.asked) {
            return differs(part.name, dtype_name(part.has), dtype_name(part.asked));
        }
    }
    if (kernel.scale != desc.scale) {
        return differs("scale", scale_name(kernel.scale), scale_name(desc.scale));
    }
    if (kernel.flags != (desc.flags & NORMA_RECOMPUTE_STATISTICS)) {
        return kernel.flags ? differs("statistics", "recomputed", "saved")
                            : differs("statistics", "saved", "recomputed");
    }
    if (kernel.contract != desc.contract) {
        return differs("contract", contract_name(kernel.contract), contract_name(desc.contract));
    }
    const long long hidden = desc.hidden;
    if (kernel.hidden_exact != 0 && kernel.hidden_exact != hidden) {
        text.add("hidden is %d only; asked for %lld", kernel.hidden_exact, hidden);
        return true;
    }
    if (kernel.hidden_most != 0 && hidden > kernel.hidden_most) {
        text.add("hidden is at most %d; asked for %lld", kernel.hidden_most, hidden);
        return true;
    }
    if (kernel.hidden_exact == 0 && hidden % kernel.hidden_multiple != 0) {
        text.add("hidden is a multiple of %d; asked for %lld", kernel.hidden_multiple, hidden);
        return true;
    }
    return false;
}

}  // namespace norma
