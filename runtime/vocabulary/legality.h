// SPDX-License-Identifier: MIT
// Which variants there can be: one answer, in one wording, for manifests, names of kernels and plans.
#pragma once

#include "fields.h"

namespace norma {

// Why not, as "scale is row; expected tensor for y in u8". Empty where the variant is legal.
struct Refusal {
    char text[192];
};

// Whether a kernel for the variant can be. A null `why` is not written.
bool is_legal(const Variant &variant, Refusal *why);

// "f32, f16 or bf16": the words that any variant may have for the field.
void list_words(const Field &field, char *text, size_t size);

}  // namespace norma
