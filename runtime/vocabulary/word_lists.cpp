// SPDX-License-Identifier: MIT
#include "word_lists.h"

namespace norma {

std::vector<std::string> names(const Words &words) {
    std::vector<std::string> list;
    for (const Word &word : words) {
        list.emplace_back(word.name);
    }
    return list;
}

std::vector<std::string> words_of(const char *key) {
    const Field &field = *find_field(key);
    std::vector<std::string> list;
    for (const Word &word : field.words) {
        if ((!field.allows || field.allows(word.value)) && strcmp(word.name, "none") != 0) {
            list.emplace_back(word.name);
        }
    }
    return list;
}

std::vector<std::string> manifest_words(const Field &field) {
    std::vector<std::string> words;
    for (const char *followed : field.follows) {
        if (followed) {
            words.emplace_back(followed);
        }
    }
    for (const Word &word : field.words) {
        if (!field.allows || field.allows(word.value)) {
            words.emplace_back(word.name);
        }
    }
    return words;
}

std::vector<std::string> hidden_words() {
    std::vector<std::string> words;
    for (const HiddenName &known : hidden_names) {
        words.emplace_back(known.name);
    }
    return words;
}

std::vector<std::string> op_names() {
    std::vector<std::string> list;
    for (const OpInfo &info : op_infos) {
        if (info.in_manifests) {
            list.emplace_back(info.backward ? info.name : info.norm);
        }
    }
    return list;
}

std::vector<std::string> all_op_names() {
    std::vector<std::string> list = op_names();
    for (const OpInfo &info : op_infos) {
        if (info.in_manifests && !info.backward) {
            list.emplace_back(info.name);
        }
    }
    return list;
}

}  // namespace norma
