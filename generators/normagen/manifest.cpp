// SPDX-License-Identifier: MIT
#include "manifest.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "runtime/vocabulary/word_lists.h"
#include "schedules/strategies/strategies.h"
#include "tools/base/json_file.h"

namespace norma {

namespace {

constexpr size_t most_name = 64;
// Of a manifest: the words of an entry's fields multiply, and some of what they come to are kernels.
constexpr size_t most_products = 1'000'000, most_kernels = 100'000;

bool may_be_left_out(const Field &field) { return field.fallback != nullptr; }

std::string hidden_word(const Node &node) {
    if (node.json().is_number()) {
        return std::to_string(node.integer(1, max_hidden));
    }
    std::vector<std::string> known = hidden_words();
    const std::string word = node.json().is_string() ? node.string() : "";
    if (std::find(known.begin(), known.end(), word) == known.end()) {
        known.emplace_back("an integer");
        node.one_of(known, "a hidden size class");
        node.fail("\"" + word + "\" is not a hidden size class; expected one of " + comma_separated(known));
    }
    return word;
}

// Sets the field to what the word says beside the earlier fields. Returns why it cannot be, "" where it can.
std::string apply(const Field &field, const std::string &word, Variant *variant) {
    const Field *followed = find_field(word.c_str());
    const int32_t value = followed != nullptr ? value_of(*variant, *followed) : parse_word(field, word);
    set_value_at(variant, field.offset, value);
    const bool absent_weight = followed != nullptr && value == NORMA_NONE;
    return absent_weight ? std::string(field.key) + " is " + word + "; expected one, but there is no " + word : "";
}

// Of files, and of versions of symbols.
std::string library_name(const Node &node) {
    static const std::string alphanumeric = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    const std::string name = node.string();
    const size_t first_other = name.find_first_not_of(alphanumeric + "._-");
    if (name.empty() || name.size() > most_name || first_other != std::string::npos ||
        alphanumeric.find(name.front()) == std::string::npos) {
        node.fail(
            fmt::format("\"{}\" is no name of a library; expected 1 to {} ASCII letters, digits, \".\", \"_\" and "
                        "\"-\", a letter or digit first",
                        name, most_name));
    }
    return name;
}

// "" for the device's own.
std::string strategy_of(const Node &entry, norma_device_type device) {
    const std::vector<std::string> words = strategy_words(device);
    const std::string named = entry.has("strategy") ? entry.at("strategy").one_of(words, "a strategy") : "";
    return named == words.front() ? "" : named;
}

// An entry: the product of its fields. Impossible members of a product are left out; an entry that is one impossible
// variant, or nothing but impossible ones, is an error.
class Entry {
public:
    explicit Entry(const Node &node) : node_(node) {
        std::vector<std::string> keys;
        for (const Field &field : fields) {
            keys.emplace_back(field.key);
        }
        keys.insert(keys.end(), {"hidden", "device", "strategy"});
        node.expect_object(keys);
        for (const Field &field : fields) {
            words_.push_back(words_at(field.key, may_be_left_out(field) ? field.fallback : "", [&](const Node &item) {
                return item.one_of(manifest_words(field), field.what);
            }));
        }
        words_.push_back(words_at("hidden", "any", hidden_word));
    }

    // The members of the product, possible or not, are taken off those that are `left`.
    std::vector<Variant> expand(size_t *left) {
        size_t product = 1;
        for (const std::vector<std::string> &words : words_) {
            product *= words.size();
            if (product > *left) {
                node_.fail(fmt::format("the lists of the manifest multiply to more than {} members up to here",
                                       most_products));
            }
        }
        *left -= product;
        add(0, Variant{}, "");
        if (variants_.empty()) {
            node_.fail(why_not_);
        }
        return std::move(variants_);
    }

private:
    template <typename WordAt>
    std::vector<std::string> words_at(const std::string &key, const std::string &fallback,
                                      const WordAt &word_at) const {
        if (!node_.has(key) && !fallback.empty()) {
            return {fallback};
        }
        std::vector<std::string> words;
        std::set<std::string> seen;  // words that are there twice do not multiply
        for (const Node &item : node_.at(key).one_or_more()) {
            std::string word = word_at(item);
            if (seen.insert(word).second) {
                words.push_back(std::move(word));
            }
        }
        return words;
    }

    void add(size_t depth, const Variant &variant, const std::string &why_not) {
        if (depth == words_.size()) {
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
            std::string why;
            if (depth == field_count) {
                next.hidden = parse_hidden(word);
            } else {
                why = apply(fields[depth], word, &next);
            }
            add(depth + 1, next, why_not.empty() ? why : why_not);
        }
    }

    Node node_;
    std::vector<std::vector<std::string>> words_;
    std::vector<Variant> variants_;
    std::string why_not_;
};

}  // namespace

std::vector<Variant> variants_for(const std::vector<Manifest::Entry> &kernels, norma_device_type device) {
    std::vector<Variant> variants;
    for (const Manifest::Entry &entry : kernels) {
        if (entry.device == device) {
            variants.push_back(entry.variant);
        }
    }
    return variants;
}

std::vector<std::string> strategy_words(norma_device_type device) {
    std::vector<std::string> words;
    for (const Strategy *strategy : strategies_to_tune()) {
        // What an autoscheduler keeps on a GPU between launches, the runtime has no place for.
        if (strategy->device == device && (strategy->same_bits != nullptr || device == NORMA_CPU)) {
            words.emplace_back(strategy->name);
        }
    }
    return words;
}

Manifest read_manifest(const std::filesystem::path &path) {
    const nlohmann::json json = read_json(path);
    const Node root(path, json);
    root.expect_object({"$schema", "schema", "name", "targets", "kernels"});
    root.at("schema").integer(1, 1);

    Manifest manifest;
    manifest.file = path.string();
    manifest.name = library_name(root.at("name"));
    if (root.has("targets")) {
        for (const Node &target : root.at("targets").items()) {
            manifest.targets.push_back(target.string());
        }
    }
    std::map<std::string, std::string> strategies;  // by device and name
    size_t left = most_products;
    for (const Node &node : root.at("kernels").items()) {
        const std::string device =
            node.has("device") ? node.at("device").one_of({"cpu", "cuda"}, "a device") : std::string("cpu");
        const norma_device_type type = device == "cpu" ? NORMA_CPU : NORMA_CUDA;
        const std::string strategy = strategy_of(node, type);
        Entry entry(node);
        if (device == "cpu" && node.has("alignment")) {
            node.at("alignment").fail("is for device cuda; kernels for CPUs take data of any alignment");
        }
        for (const Variant &variant : entry.expand(&left)) {
            if (!strategy.empty() && variant.contract != NORMA_RELAXED) {
                node.at("strategy")
                    .fail(fmt::format("is {} for {}; expected contract relaxed, since it promises no bits", strategy,
                                      name(variant)));
            }
            const auto [known, added] = strategies.emplace(device + " " + name(variant), strategy);
            if (added) {
                manifest.kernels.push_back({variant, type, strategy});
            } else if (known->second != strategy) {
                const std::string own = strategy_words(type).front();
                node.fail(fmt::format("{} has strategy {}, and {} above; expected one", name(variant),
                                      strategy.empty() ? own : strategy, known->second.empty() ? own : known->second));
            }
            if (strategies.size() > most_kernels) {
                node.fail(fmt::format("the manifest has more than {} kernels up to here", most_kernels));
            }
        }
    }
    return manifest;
}

}  // namespace norma
