// SPDX-License-Identifier: MIT
#include "variant_text.h"

#include "runtime/vocabulary/fields.h"

namespace norma {

void add_manifest_line(Text &text, const Variant &wanted, norma_device_type device) {
    text.add("{");
    if (device != NORMA_CPU) {
        text.add("\"device\": \"%s\", ", device_words.name(device));
    }
    for (const Field &field : fields) {
        if (!field.fallback || value_of(wanted, field) != fallback_of(wanted, field)) {
            text.add("\"%s\": \"%s\", ", field.key, word_of(wanted, field));
        }
    }
    text.add("\"hidden\": \"%s\"}", narrowest_class(wanted.hidden.exact).name);
}

bool add_mismatch(Text &text, const Kernel &kernel, const Variant &wanted) {
    for (const Field &field : fields) {
        if (field.offset != offsetof(Variant, alignment) &&
            value_of(kernel.variant, field) != value_of(wanted, field)) {
            text.add("%s is %s; asked for %s", field.key, word_of(kernel.variant, field), word_of(wanted, field));
            return true;
        }
    }
    const HiddenClass &has = kernel.variant.hidden;
    const int32_t hidden = wanted.hidden.exact;
    if (has.exact != 0 && has.exact != hidden) {
        text.add("hidden is %d only; asked for %d", has.exact, hidden);
        return true;
    }
    if (has.most != 0 && hidden > has.most) {
        text.add("hidden is at most %d; asked for %d", has.most, hidden);
        return true;
    }
    if (has.exact == 0 && hidden % has.multiple != 0) {
        text.add("hidden is a multiple of %d; asked for %d", has.multiple, hidden);
        return true;
    }
    return false;
}

}  // namespace norma
