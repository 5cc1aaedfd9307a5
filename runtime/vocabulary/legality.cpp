// SPDX-License-Identifier: MIT
#include "legality.h"

#include <cstdarg>
#include <cstdio>

namespace norma {

namespace {

bool allows(const Field &field, int32_t value) {
    return field.words.name(value) && (!field.allows || field.allows(value));
}

// A rule: the fields that it is about, and what it says. Each is asked of variants whose words are known.
class Rules {
public:
    Rules(const Variant &variant, Refusal *why) : v_(variant), why_(why) {}

    bool words_are_known() {
        for (const Field &field : fields) {
            if (!allows(field, value_of(v_, field))) {
                char words[128];
                list_words(field, words, sizeof words);
                const bool internal = field.offset == offsetof(Variant, op);  // no word of manifests and plans
                const char *word = internal ? nullptr : word_of(v_, field);
                return word ? refuse("%s is %s; expected %s", field.key, word, words)
                            : refuse("%s is %d; expected %s", field.key, value_of(v_, field), words);
            }
        }
        return true;
    }

    bool backward() {
        if (!is_backward(v_)) {
            return v_.statistics != Statistics::recomputed ||
                   refuse("statistics is recomputed; expected saved, partial or merged for a forward");
        }
        return backward_type("x", v_.x) && backward_type("y", v_.y);
    }

    // Of slices of rows.
    bool slices() {
        if (!is_partial(v_) && !is_merged(v_)) {
            return true;
        }
        const char *word = statistics_words.name(static_cast<int32_t>(v_.statistics));
        if (!is_float(v_.x)) {
            return refuse("statistics is %s; expected saved where x is %s", word, dtype_name(v_.x));
        }
        if (!is_partial(v_)) {
            return true;
        }
        if (!is_backward(v_) && v_.y != v_.x) {
            return refuse("y is %s; expected the type of x (%s) where statistics is partial", dtype_name(v_.y),
                          dtype_name(v_.x));
        }
        if (!is_backward(v_) && v_.contract != NORMA_FP32_ONCE) {
            return refuse("contract is %s; expected fp32_once where the statistics of a forward are partial",
                          contract_words.name(v_.contract));
        }
        return is_backward(v_) ? has_no("bias", v_.bias) && has_no("residual", v_.residual)
                               : has_no("weight", v_.weight) && has_no("bias", v_.bias);
    }

    bool contract() {
        const bool hf = v_.contract == NORMA_HF, relaxed = v_.contract == NORMA_RELAXED;
        const char *word = contract_words.name(v_.contract);
        if ((hf && !info_of(v_.op).allows_hf) || (relaxed && is_backward(v_))) {
            return refuse("contract is %s; expected fp32_once for %s", word, op_name(v_.op));
        }
        if (hf && v_.bias != NORMA_NONE) {
            return refuse("bias is %s; expected none with contract hf", dtype_name(v_.bias));
        }
        if (relaxed && v_.statistics != Statistics::saved) {
            return refuse("contract is relaxed; expected fp32_once where statistics are merged");
        }
        const norma_dtype quantized = is_quantized(v_.x) ? v_.x : v_.y;
        return v_.contract == NORMA_FP32_ONCE || !is_quantized(quantized) ||
               refuse("contract is %s; expected fp32_once with a quantized type, %s", word, dtype_name(quantized));
    }

    bool scale() {
        if (is_quantized(v_.y) && v_.scale == NORMA_SCALE_NONE) {
            return refuse("scale is none; expected one for y in %s", dtype_name(v_.y));
        }
        if (!is_quantized(v_.y) && v_.scale != NORMA_SCALE_NONE) {
            return refuse("scale is %s; expected none for y in %s, which is not quantized", scale_words.name(v_.scale),
                          dtype_name(v_.y));
        }
        if (!is_quantized(v_.y) && v_.y_float != NORMA_NONE) {
            return refuse("y_float is %s; expected none for y in %s, which is not quantized", dtype_name(v_.y_float),
                          dtype_name(v_.y));
        }
        return v_.y != NORMA_U8 || v_.scale == NORMA_SCALE_TENSOR ||
               refuse("scale is %s; expected tensor for y in u8, which has a zero point", scale_words.name(v_.scale));
    }

    bool hidden() {
        const int32_t group = group_size(v_.scale);
        if (group != 0 && v_.hidden.exact % group != 0) {
            return refuse("hidden is %d; expected whole groups of %d", v_.hidden.exact, group);
        }
        const bool has_another = v_.hidden.exact != 0 || runs(v_).multiple != 1;
        return v_.alignment == Alignment::natural || has_another ||
               refuse("alignment is any; expected natural for every hidden size, which needs no more than elements");
    }

private:
    bool has_no(const char *key, norma_dtype dtype) {
        return dtype == NORMA_NONE ||
               refuse("%s is %s; expected none where statistics is partial", key, dtype_name(dtype));
    }

    bool backward_type(const char *key, norma_dtype dtype) {
        return is_float(dtype) || refuse("%s is %s; expected f32, f16 or bf16 for a backward", key, dtype_name(dtype));
    }

    bool refuse(const char *format, ...) __attribute__((format(printf, 2, 3))) {
        if (why_) {
            va_list arguments;
            va_start(arguments, format);
            vsnprintf(why_->text, sizeof why_->text, format, arguments);
            va_end(arguments);
        }
        return false;
    }

    const Variant &v_;
    Refusal *why_;
};

}  // namespace

bool is_legal(const Variant &variant, Refusal *why) {
    if (why) {
        why->text[0] = '\0';
    }
    Rules rules(variant, why);
    return rules.words_are_known() && rules.backward() && rules.slices() && rules.contract() && rules.scale() &&
           rules.hidden();
}

void list_words(const Field &field, char *text, size_t size) {
    int32_t left = 0;
    for (const Word &word : field.words) {
        left += allows(field, word.value) ? 1 : 0;
    }
    size_t length = 0;
    for (const Word &word : field.words) {
        if (allows(field, word.value) && length < size) {
            left--;
            length += static_cast<size_t>(snprintf(text + length, size - length, "%s%s", word.name,
                                                   left > 1    ? ", "
                                                   : left == 1 ? " or "
                                                               : ""));
        }
    }
}

}  // namespace norma
