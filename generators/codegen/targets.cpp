// SPDX-License-Identifier: MIT
#include "targets.h"

#include <Halide.h>

#include <algorithm>
#include <map>

#include "device/device.h"
#include "run_time.h"
#include "runtime/vocabulary/fields.h"
#include "schedules/strategies/strategies.h"
#include "tools/base/json_file.h"

namespace norma {

namespace fs = std::filesystem;
using nlohmann::json;

namespace {

// Features that the runtime looks for (runtime/src/device/cpu/*/cpu_features.h), SVE, which is refused for a reason of
// its own, and CUDA's. Others say how to generate code, or are levels of a CPU (armv8.1a and later).
bool is_cpu_feature(Halide::Target::Feature feature) {
    using Feature = Halide::Target::Feature;
    static constexpr Feature known[] = {Feature::SSE41,
                                        Feature::AVX,
                                        Feature::F16C,
                                        Feature::FMA,
                                        Feature::AVX2,
                                        Feature::AVX512,
                                        Feature::AVX512_Skylake,
                                        Feature::AVX512_Cannonlake,
                                        Feature::AVX512_Zen4,
                                        Feature::AVX512_SapphireRapids,
                                        Feature::ARMFp16,
                                        Feature::ARMDotProd,
                                        Feature::SVE,
                                        Feature::SVE2};
    return std::find(std::begin(known), std::end(known), feature) != std::end(known) ||
           Halide::Target::feature_to_name(feature).rfind("cuda", 0) == 0;
}

std::string without_features(const Halide::Target &target) {
    return Halide::Target(target.os, target.arch, target.bits, {}).to_string();
}

// The file of one target. `text` keeps it alive for `node`.
struct Source {
    json text;
    fs::path path;
    Node node() const { return Node(path, text); }
};

norma_dtype dtype_of(const Node &item) try {
    return (norma_dtype)parse_word(*find_field("x"), item.string());
} catch (const std::invalid_argument &error) {
    item.fail(error.what());
}

bool has_one_of(const Variant &variant, const std::vector<norma_dtype> &dtypes) {
    return std::any_of(std::begin(fields), std::end(fields), [&](const Field &field) {
        return field.words.first == dtype_words.first &&
               std::count(dtypes.begin(), dtypes.end(), (norma_dtype)value_of(variant, field)) != 0;
    });
}

void check(const Source &source) {
    const Node root = source.node();
    root.expect_object({"name", "parent", "halide", "needs", "features", "dtypes", "sms", "knobs", "run_time"});
    const std::string stem = source.path.stem().string();
    if (root.at("name").string() != stem) {
        root.at("name").fail("\"" + root.at("name").string() + "\" is not the name of the file; expected " + stem);
    }
    root.at("needs").string();
    if (root.has("halide")) {
        const std::string text = root.at("halide").string();
        if (Halide::Target::validate_target_string(text) && without_features(Halide::Target(text)) != text) {
            root.at("halide").fail("\"" + text + "\" has features; expected them in features");
        }
    }
    if (root.has("features")) {
        for (const Node &item : root.at("features").items()) {
            const Halide::Target::Feature feature = Halide::Target::feature_from_name(item.string());
            if (feature == Halide::Target::FeatureEnd || !is_cpu_feature(feature)) {
                item.fail("\"" + item.string() + "\" is not a CPU feature that the runtime looks for");
            }
        }
    }
    if (root.has("dtypes")) {
        root.at("parent");
        for (const Node &item : root.at("dtypes").items()) {
            dtype_of(item);
        }
    }
    if (root.has("sms")) {
        for (const Node &item : root.at("sms").items()) {
            item.integer(80, 999);
        }
    }
    if (root.has("knobs")) {
        for (const Node &strategy : root.at("knobs").members()) {
            for (const Node &knob : strategy.members()) {
                knob.integer(INT32_MIN, INT32_MAX);
            }
        }
    }
    if (root.has("run_time")) {
        const Node run_time = root.at("run_time");
        std::vector<std::string> names;
        for (const RunTimeChoice &choice : run_time_choices) {
            names.emplace_back(choice.name);
        }
        run_time.expect_object(names);
        for (const RunTimeChoice &choice : run_time_choices) {
            if (run_time.has(choice.name)) {
                run_time.at(choice.name).integer(choice.least, choice.most);
            }
        }
    }
}

class Merger {
public:
    explicit Merger(const std::map<std::string, Source> &sources) : sources_(sources) {}

    TargetFile merge(const std::string &name, std::vector<std::string> children = {}) const {
        const Node root = sources_.at(name).node();
        if (std::find(children.begin(), children.end(), name) != children.end()) {
            root.at("parent").fail("the parents of " + name + " form a circle");
        }
        children.push_back(name);

        TargetFile target;
        if (root.has("parent")) {
            const std::string parent = root.at("parent").string();
            if (sources_.count(parent) == 0) {
                root.at("parent").fail("\"" + parent + "\" is not a target; expected one of " + names());
            }
            target = merge(parent, children);
            target.parent = parent;
        } else {
            target.spec.knobs = json::object();
            target.spec.run_time = json::object();
            root.at("halide");
        }
        target.spec.name = name;
        target.needs = root.at("needs").string();
        if (root.has("halide")) {
            target.spec.halide = root.at("halide").string();
        }
        if (root.has("features")) {
            for (const Node &item : root.at("features").items()) {
                target.features.push_back(item.string());
            }
        }
        target.dtypes.clear();
        if (root.has("dtypes")) {
            for (const Node &item : root.at("dtypes").items()) {
                target.dtypes.push_back(dtype_of(item));
            }
        }
        if (root.has("sms")) {
            target.spec.sms.clear();
            for (const Node &item : root.at("sms").items()) {
                target.spec.sms.push_back((int)item.integer(80, 999));
            }
        }
        for (auto [key, into] :
             {std::pair("knobs", &target.spec.knobs), std::pair("run_time", &target.spec.run_time)}) {
            if (root.has(key)) {
                into->merge_patch(root.at(key).json());
            }
        }
        return target;
    }

private:
    std::string names() const {
        std::vector<std::string> names;
        for (const auto &[name, source] : sources_) {
            names.push_back(name);
        }
        return comma_separated(names);
    }

    const std::map<std::string, Source> &sources_;
};

// Halide complains of features that do not go together, in several lines, and does not know where they are from.
Halide::Target halide_target(const std::string &text, const Node &root) {
    try {
        return Halide::Target(text);
    } catch (const Halide::Error &error) {
        root.fail("features of \"" + text + "\" do not go together: " + one_line(error.what()));
    }
}

// The Halide string: the base with the features, as Halide writes it.
void complete(TargetFile &target, const Node &root) {
    std::string text = target.spec.halide;
    for (const std::string &feature : target.features) {
        text += "-" + feature;
    }
    if (!Halide::Target::validate_target_string(text)) {
        root.fail("\"" + text + "\" is not a target of Halide");
    }
    target.spec.halide = text;
    const Halide::Target halide = halide_target(text, root);
    if (halide.has_feature(Halide::Target::SVE) || halide.has_feature(Halide::Target::SVE2)) {
        root.fail("\"" + text +
                  "\" has SVE, of which Halide compiles for one length of vectors; the runtime cannot ask " +
                  "a CPU for its length, and a wrong one gives wrong results");
    }
    const DeviceCodegen &device = device_of(target.spec);
    if (const std::string why = device.refusal(target.spec); !why.empty()) {
        root.fail(why);
    }
    for (const RunTimeChoice &choice : run_time_choices) {
        if (device.chooses_at_run_time && !target.spec.run_time.contains(choice.name)) {
            root.fail("run_time." + std::string(choice.name) + " is missing, here and in the parents");
        }
    }
}

}  // namespace

std::vector<TargetFile> read_targets(const fs::path &directory) {
    std::error_code error;
    std::map<std::string, Source> sources;
    for (const fs::directory_entry &entry : fs::directory_iterator(directory, error)) {
        if (entry.path().extension() == ".json") {
            if (std::error_code none; !entry.is_regular_file(none)) {
                throw InputError(entry.path().string() + ": is no regular file");
            }
            const Source source{read_json(entry.path()), entry.path()};
            check(source);
            sources[entry.path().stem().string()] = source;
        }
    }
    if (error || sources.empty()) {
        throw InputError(directory.string() + ": no targets: " + (error ? error.message() : "no file *.json"));
    }
    std::vector<TargetFile> targets;
    for (const auto &[name, source] : sources) {
        targets.push_back(Merger(sources).merge(name));
        complete(targets.back(), source.node());
    }
    std::stable_sort(targets.begin(), targets.end(),
                     [](const TargetFile &a, const TargetFile &b) { return a.features.size() > b.features.size(); });
    for (auto target = targets.rbegin(); target != targets.rend(); ++target) {
        if (!target->dtypes.empty()) {
            target->of_others = std::make_shared<TargetFile>(*with_name(targets, target->parent));
        }
    }
    return targets;
}

const TargetFile &find_target(const std::vector<TargetFile> &targets, const std::string &name,
                              const std::string &where) {
    std::vector<std::string> known;
    for (const TargetFile &target : targets) {
        if (target.spec.name == name) {
            return target;
        }
        known.push_back(target.spec.name);
    }
    throw InputError(where + ": \"" + name + "\" is not a target; expected one of " + comma_separated(known));
}

const TargetFile *with_name(const std::vector<TargetFile> &targets, const std::string &name) {
    auto found = std::find_if(targets.begin(), targets.end(), [&](const TargetFile &t) { return t.spec.name == name; });
    return found == targets.end() ? nullptr : &*found;
}

KernelSpec default_spec(const Variant &variant, const TargetFile &target, const std::string &strategy) {
    if (target.of_others && !has_one_of(variant, target.dtypes)) {
        return default_spec(variant, *target.of_others, strategy);
    }
    KernelSpec spec;
    spec.variant = variant;
    spec.target = target.spec;
    spec.strategy = strategy.empty() ? default_strategy(variant, target.spec).name : strategy;
    spec.knobs = target.spec.knobs.value(spec.strategy, json::object());
    if (const std::string why = refusal(spec); !why.empty()) {
        throw InputError(name(variant) + " for " + target.spec.name + ": " + why);
    }
    return spec;
}

bool runs_here(const TargetFile &target) {
    Halide::Target host = Halide::get_host_target();
    // Halide's newer feature names contain the older ones, but it reports only the newest of each maker.
    if (host.has_feature(Halide::Target::AVX512_SapphireRapids)) {
        host.set_feature(Halide::Target::AVX512_Zen4);
    }
    const Halide::Target needed(target.spec.halide);
    bool has_all = host.arch == needed.arch && host.bits == needed.bits && host.os == needed.os;
    for (const std::string &feature : target.features) {
        has_all = has_all && host.has_feature(Halide::Target::feature_from_name(feature));
    }
    return has_all;
}

std::string architecture(const TargetFile &target) { return without_features(Halide::Target(target.spec.halide)); }

std::string architecture_here() { return without_features(Halide::get_host_target()); }

std::array<uint64_t, 4> feature_bits(const TargetSpec &target) {
    static_assert(Halide::Target::FeatureEnd <= 256);
    std::array<uint64_t, 4> bits{};
    const Halide::Target halide(target.halide);
    for (int i = 0; i < Halide::Target::FeatureEnd; i++) {
        const auto feature = (Halide::Target::Feature)i;
        if (halide.has_feature(feature) && is_cpu_feature(feature)) {
            bits[i / 64] |= uint64_t(1) << (i % 64);
        }
    }
    return bits;
}

}  // namespace norma
