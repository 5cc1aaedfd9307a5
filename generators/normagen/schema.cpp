// SPDX-License-Identifier: MIT
#include "schema.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "manifest.h"
#include "runtime/vocabulary/word_lists.h"

namespace norma {

namespace {

using json = nlohmann::ordered_json;

json hidden_definition() {
    return {{"anyOf", {{{"enum", hidden_words()}}, {{"type", "integer"}, {"minimum", 1}, {"maximum", max_hidden}}}}};
}

json reference(const std::string &definition) { return {{"$ref", "#/definitions/" + definition}}; }

json one_or_list(const std::string &definition) {
    return {{"anyOf", {reference(definition), {{"type", "array"}, {"minItems", 1}, {"items", reference(definition)}}}}};
}

std::string quoted(const std::vector<std::string> &words) {
    std::string text;
    for (const std::string &word : words) {
        text += (text.empty() ? "`" : ", `") + word + "`";
    }
    return text;
}

}  // namespace

std::string manifest_schema() {
    json definitions, properties, required = json::array();
    for (const Field &field : fields) {
        definitions[field.key] = {{"enum", manifest_words(field)}};
        properties[field.key] = one_or_list(field.key);
        if (field.fallback == nullptr) {
            required.push_back(field.key);
        }
    }
    definitions["hidden"] = hidden_definition();
    properties["hidden"] = one_or_list("hidden");
    definitions["device"] = {{"enum", names(device_words)}};
    properties["device"] = reference("device");
    std::vector<std::string> strategies = strategy_words(NORMA_CPU);
    for (const std::string &word : strategy_words(NORMA_CUDA)) {
        strategies.push_back(word);
    }
    definitions["strategy"] = {{"enum", strategies}};
    properties["strategy"] = reference("strategy");
    definitions["entry"] = {
        {"type", "object"}, {"required", required}, {"additionalProperties", false}, {"properties", properties}};
    const json schema = {
        {"$schema", "http://json-schema.org/draft-07/schema#"},
        {"title", "Norma manifest: the kernels that a library holds (docs/manifest.md)"},
        {"$comment", "Written by normagen schema"},
        {"type", "object"},
        {"required", {"schema", "name", "kernels"}},
        {"additionalProperties", false},
        {"properties",
         {{"$schema", {{"type", "string"}, {"description", "For editors; not used."}}},
          {"schema", {{"const", 1}, {"description", "Version of this format."}}},
          {"name",
           {{"type", "string"},
            {"pattern", "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"},
            {"description", "Of the library, which tells it apart from others in one process."}}},
          {"targets",
           {{"type", "array"},
            {"minItems", 1},
            {"items", {{"type", "string"}}},
            {"description", "Names of files in schedules/targets. Left out: all of this machine's architecture."}}},
          {"kernels", {{"type", "array"}, {"minItems", 1}, {"items", reference("entry")}}}}},
        {"definitions", definitions}};
    return schema.dump(2) + "\n";
}

std::string manifest_table() {
    std::string text = "| field | values | left out | what |\n|---|---|---|---|\n";
    text += fmt::format(
        "| `device` | {} | `cpu` | one value; with `cuda`, for CUDA targets alone ([cuda-kernels.md](cuda-kernels.md)) "
        "|\n",
        quoted(names(device_words)));
    for (const Field &field : fields) {
        const std::string left_out = field.fallback != nullptr ? fmt::format("`{}`", field.fallback) : "must be there";
        text +=
            fmt::format("| `{}` | {} | {} | {} |\n", field.key, quoted(manifest_words(field)), left_out, field.docs);
    }
    text += fmt::format(
        "| `hidden` | {}, an integer | `any` | `64n`: multiples of 64, without a masked tail; `any_to_1024` and "
        "`64n_to_1024`: the same for short rows, in one chunk; an integer: this size alone |\n",
        quoted(hidden_words()));
    text += fmt::format(
        "| `strategy` | of `cpu`: {}; of `cuda`: {} | the first | one value; all but the first are Halide's "
        "autoschedulers, with `contract` `relaxed` alone ([tuning.md](tuning.md#autoschedulers)) |\n",
        quoted(strategy_words(NORMA_CPU)), quoted(strategy_words(NORMA_CUDA)));
    return text;
}

}  // namespace norma
