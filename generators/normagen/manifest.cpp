// SPDX-License-Identifier: MIT
#include "manifest.h"

#include <algorithm>
#include <optional>
#include <set>

#include "generators/algorithms/ops.h"
#include "tools/base/json_file.h"

namespace norma {

namespace {

// One field of an entry of "kernels". Fields are applied in the order of the table, so that a word such as "x" or
// "weight" finds the type that it refers to.
struct Field {
    std::string key, what, fallback;  // `fallback` is the value where the field is left out; "" where it may not be
    std::vector<std::string> words;
    // Returns why the word is impossible beside the earlier fields, "" when it is not.
    std::string (*apply)(const std::string &word, Variant *variant);
};

DType resolve(const std::string &word, const Variant &variant) {
    return word == "x" ? variant.x : word == "weight" ? variant.weight : parse_dtype(word);
}

template <DType Variant::*type>
std::string apply_type(const std::string &word, Variant *variant) {
    variant->*type = resolve(word, *variant);
    return "";
}

std::string apply_bias(const std::string &word, Variant *variant) {
    variant->bias = resolve(word, *variant);
    const bool absent = word == "weight" && variant->weight == DType::none;
    return absent ? "bias has the type of the weight, but there is no weight" : "";
}

std::string apply_op(const std::string &word, Variant *variant) {
    variant->op = word;
    return "";
}

std::string apply_contract(const std::string &word, Variant *variant) {
    variant->contract = parse_contract(word);
    return "";
}

std::string apply_scale(const std::string &word, Variant *variant) {
    variant->scale = parse_scale(word);
    return "";
}

std::string apply_alignment(const std::string &word, Variant *variant) {
    variant->alignment = parse_alignment(word);
    return "";
}

std::string apply_statistics(const std::string &word, Variant *variant) {
    variant->statistics = parse_statistics(word);
    return "";
}

std::string apply_hidden(const std::string &word, Variant *variant) {
    variant->hidden = parse_hidden(word);
    return "";
}

const std::vector<Field> &fields() {
    static const std::vector<Field> table = {
        {"op", "an op", "", op_names(), apply_op},
        {"x", "a type", "", {"f32", "f16", "bf16", "i8", "i32"}, apply_type<&Variant::x>},
        {"y",
         "a type of y",
         "x",
         {"x", "f32", "f16", "bf16", "i8", "u8", "f8_e4m3", "f8_e5m2"},
         apply_type<&Variant::y>},
        {"y_float", "a type of y_float", "none", {"none", "x", "f32", "f16", "bf16"}, apply_type<&Variant::y_float>},
        {"weight", "a type of the weight", "none", {"none", "x", "f32", "f16", "bf16"}, apply_type<&Variant::weight>},
        {"bias", "a type of the bias", "none", {"none", "weight", "x", "f32", "f16", "bf16"}, apply_bias},
        {"residual",
         "a type of the residual",
         "none",
         {"none", "x", "f32", "f16", "bf16"},
         apply_type<&Variant::residual>},
        {"scale", "a scale of y", "none", {"none", "tensor", "row", "group_32", "group_64", "group_128"}, apply_scale},
        {"statistics", "a source of statistics", "saved", {"saved", "recomputed"}, apply_statistics},
        {"alignment", "an alignment", "natural", {"natural", "any"}, apply_alignment},
        {"contract", "a contract", "fp32_once", {"fp32_once", "hf"}, apply_contract},
        {"hidden", "a hidden size class", "any", {"any", "64n", "any_to_1024", "64n_to_1024"}, apply_hidden},
    };
    return table;
}

constexpr int64_t max_hidden = 1 << 30;

std::string word_at(const Field &field, const Node &node) {
    if (field.key != "hidden") {
        return node.one_of(field.words, field.what);
    }
    if (node.json().is_number()) {
        return std::to_string(node.integer(1, max_hidden));
    }
    std::vector<std::string> known = field.words;
    known.push_back("an integer");
    const std::string word = node.json().is_string() ? node.string() : "";
    if (std::find(known.begin(), known.end() - 1, word) == known.end() - 1) {
        node.one_of(known, field.what);
        node.fail("\"" + word + "\" is not " + field.what + "; expected one of " + comma_separated(known));
    }
    return word;
}

// An entry: the product of its fields. Impossible members of a product are left out; an entry that is one impossible
// variant, or nothing but impossible ones, is an error.
class Entry {
public:
    explicit Entry(const Node &node) : node_(node) {
        std::vector<std::string> keys;
        for (const Field &field : fields()) {
            keys.push_back(field.key);
        }
        keys.emplace_back("device");
        node.expect_object(keys);
        for (const Field &field : fields()) {
            std::vector<std::string> words;
            if (node.has(field.key) || field.fallback.empty()) {
                for (const Node &item : node.at(field.key).one_or_more()) {
                    words.push_back(word_at(field, item));
                }
            } else {
                words.push_back(field.fallback);
            }
            words_.push_back(std::move(words));
        }
    }

    std::vector<Variant> expand() {
        add(0, Variant{}, "");
        if (variants_.empty()) {
            node_.fail(why_not_);
        }
        return std::move(variants_);
    }

private:
    void add(size_t depth, const Variant &variant, const std::string &why_not) {
        if (depth == fields().size()) {
            const std::string why = why_not.empty() ? refusal(variant) : why_not;
            if (why.empty()) {
                variants_.push_back(variant);
            } else if (why_not_.empty()) {
                why_not_ = why;
            }
            return;
        }
        for (const std::string &word : words_[depth]) {
            Variant next = variant;
            const std::string why = fields()[depth].apply(word, &next);
            add(depth + 1, next, why_not.empty() ? why : why_not);
        }
    }

    Node node_;
    std::vector<std::vector<std::string>> words_;
    std::vector<Variant> variants_;
    std::string why_not_;
};

}  // namespace

Manifest read_manifest(const std::filesystem::path &path) {
    const nlohmann::json json = read_json(path);
    const Node root(path, json);
    root.expect_object({"$schema", "schema", "name", "targets", "kernels"});
    root.at("schema").integer(1, 1);

    Manifest manifest;
    manifest.name = root.at("name").string();
    if (root.has("targets")) {
        for (const Node &target : root.at("targets").items()) {
            manifest.targets.push_back(target.string());
        }
    }
    std::set<std::string> names;
    for (const Node &node : root.at("kernels").items()) {
        const std::string device =
            node.has("device") ? node.at("device").one_of({"cpu", "cuda"}, "a device") : std::string("cpu");
        Entry entry(node);
        if (device == "cpu" && node.has("alignment")) {
            node.at("alignment").fail("is for device cuda; kernels for CPUs take data of any alignment");
        }
        for (const Variant &variant : entry.expand()) {
            if (names.insert(device + " " + name(variant)).second) {
                (device == "cpu" ? manifest.variants : manifest.cuda_variants).push_back(variant);
            }
        }
    }
    return manifest;
}

}  // namespace norma
