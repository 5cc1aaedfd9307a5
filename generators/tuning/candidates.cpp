// SPDX-License-Identifier: MIT
#include "candidates.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <set>

#include "generators/algorithms/algorithm.h"
#include "generators/codegen/device/device.h"
#include "generators/codegen/run_time.h"
#include "generators/normagen/library.h"
#include "generators/records/recorded_knobs.h"
#include "generators/records/winners.h"
#include "schedules/strategies/strategies.h"
#include "tools/base/files.h"

namespace norma {

bool is_wanted(const Variant &variant, const Wanted &wanted) {
    const std::string types = variant.x == variant.y
                                  ? dtype_name(variant.x)
                                  : fmt::format("{}:{}", dtype_name(variant.x), dtype_name(variant.y));
    // What a call of slices waits for is an exchange.
    return !is_partial(variant) && !is_merged(variant) &&
           (wanted.op.empty() || &info_of(variant.op) == find_op(wanted.op.c_str())) &&
           (wanted.dtype.empty() || wanted.dtype == types);
}

// What most models have: the weight, and a LayerNorm's bias, in the type of x.
bool is_usual(const Variant &variant) {
    const norma_dtype bias = info_of(variant.op).has_mean ? variant.x : NORMA_NONE;
    return variant.contract == NORMA_FP32_ONCE && variant.weight == variant.x && variant.bias == bias;
}

namespace {

// In the caches of a core, in the last-level cache, beyond it; short rows, long rows, rows with a tail.
const std::vector<Shape> usual_shapes = {{32, 768},   {65536, 128}, {512, 4096}, {4096, 4096},
                                         {512, 1000}, {65536, 100}, {4096, 4000}};
const std::vector<int64_t> usual_rows = {32, 512, 8192};  // of a kernel for one hidden size
// Likewise: little beside a launch, as much as a cache of today holds, beyond it.
const std::vector<int64_t> usual_elements_on_cuda = {1 << 16, 1 << 21, 1 << 25};

std::string without_hidden(const Variant &variant) {
    const std::string text = name(variant);
    return text.substr(0, text.rfind('.'));
}

std::vector<Variant> one_of_each_family(const std::vector<Variant> &variants, const Wanted &wanted) {
    std::map<std::string, const Variant *> chosen;
    for (const Variant &variant : variants) {
        const Variant *&of_family = chosen[family(variant)];
        if (is_wanted(variant, wanted) && (of_family == nullptr || (is_usual(variant) && !is_usual(*of_family)))) {
            of_family = &variant;
        }
    }
    std::vector<Variant> list;
    for (const Variant &variant : variants) {
        if (chosen.at(family(variant)) == &variant) {
            list.push_back(variant);
        }
    }
    return list;
}

std::vector<Shape> shapes_of(const Variant &variant, const std::vector<Variant> &all, bool cuda, const Wanted &wanted) {
    std::vector<Shape> known = wanted.shapes.empty() ? usual_shapes : wanted.shapes, shapes;
    if (const int64_t hidden = variant.hidden.exact; wanted.shapes.empty() && hidden != 0) {
        known.clear();
        for (int64_t usual : cuda ? usual_elements_on_cuda : usual_rows) {
            known.emplace_back(cuda ? std::max(usual / hidden, int64_t{1}) : usual, hidden);
        }
    }
    for (const Shape &shape : known) {
        const bool better = std::any_of(all.begin(), all.end(), [&](const Variant &other) {
            return without_hidden(other) == without_hidden(variant) && has_hidden(runs(other), shape.second) &&
                   specialization(runs(other)) > specialization(runs(variant));
        });
        if (has_hidden(runs(variant), shape.second) && !better) {
            shapes.push_back(shape);
        }
    }
    return shapes;
}

std::string code_key(const std::string &target, nlohmann::json knobs) {
    for (const RunTimeChoice &choice : run_time_choices) {
        knobs.erase(choice.name);
    }
    return target + knobs.dump();
}

std::vector<KernelSpec> candidates_of(const KernelSpec &standard, const Wanted &wanted) {
    std::vector<KernelSpec> list = {standard};
    const Halide::Target target(standard.target.halide);
    for (const Strategy *strategy : strategies_to_tune()) {
        const bool ours = strategy->same_bits != nullptr;
        const bool chosen = wanted.strategies.empty() ||
                            std::count(wanted.strategies.begin(), wanted.strategies.end(), strategy->name) != 0;
        if (!chosen || (ours ? strategy->name != standard.strategy : !wanted.autoschedulers)) {
            continue;
        }
        if (ours) {
            for (const KernelSpec &other : run_time_search_space(standard)) {
                list.push_back(other);
            }
        }
        KernelSpec spec = standard;
        spec.strategy = strategy->name;
        size_t count = 0;
        std::vector<nlohmann::json> tried = strategy->search_space(standard.variant, standard.knobs, target);
        auto won = [&](const nlohmann::json &knobs) {
            auto found = wanted.won.find(code_key(standard.target.name, knobs));
            return found == wanted.won.end() ? 0 : found->second;
        };
        std::stable_sort(tried.begin(), tried.end(), [&](const auto &a, const auto &b) { return won(a) > won(b); });
        for (const nlohmann::json &knobs : tried) {
            spec.knobs = knobs;
            const bool bits =
                !ours || !wanted.same_bits || strategy->same_bits(standard.variant, knobs, standard.knobs);
            if (bits && refusal(spec).empty() && (!ours || wanted.most == 0 || count < wanted.most)) {
                list.push_back(spec);
                count++;
            }
        }
    }
    return list;
}

}  // namespace

std::vector<Shape> parse_shapes(const std::string &text) {
    std::vector<Shape> shapes;
    for (size_t begin = 0, end; begin <= text.size(); begin = end + 1) {
        end = std::min(text.find(',', begin), text.size());
        const std::string word = text.substr(begin, end - begin);
        Shape shape{};
        const char *last = word.data() + word.size();
        auto [middle, error] = std::from_chars(word.data(), last, shape.first);
        const bool cross = error == std::errc() && middle != last && *middle == 'x';
        auto [rest, second] = cross ? std::from_chars(middle + 1, last, shape.second)
                                    : std::from_chars_result{last, std::errc::invalid_argument};
        const bool sane = shape.first > 0 && shape.second > 0 && shape.first < INT32_MAX / shape.second;
        if (!cross || second != std::errc() || rest != last || !sane) {
            throw InputError("--shapes has \"" + word +
                             "\"; expected rows x hidden as in 512x4096, below 2^31 elements");
        }
        shapes.push_back(shape);
    }
    return shapes;
}

std::map<std::string, int> past_winners(const std::vector<Record> &records) {
    std::map<std::string, int> won;
    for (const Group &group : find_winners(records)) {
        for (const Contender &contender : group.contenders) {
            if (contender.why_not.empty()) {
                won[code_key(group.target, contender.record().knobs)]++;
            }
        }
    }
    return won;
}

std::vector<Tuned> choose_candidates(const Manifest &manifest, const std::vector<TargetFile> &targets,
                                     const Wanted &wanted) {
    std::vector<Tuned> list;
    std::set<std::pair<std::string, std::string>> known;  // variant and target: some share what a parent has
    int index = 0;
    for (const TargetFile &target : targets) {
        const bool cuda = is_cuda(target.spec);
        const std::vector<Variant> all = variants_for(manifest.kernels, device_of(target.spec).type);
        for (const Variant &variant : wanted.every ? all : one_of_each_family(all, wanted)) {
            const std::vector<Shape> shapes = shapes_of(variant, all, cuda, wanted);
            if (!is_wanted(variant, wanted) || shapes.empty()) {
                continue;
            }
            const KernelSpec standard = default_spec(variant, target);
            if (!known.insert({name(variant), standard.target.name}).second ||
                index++ % wanted.shards != wanted.shard - 1) {
                continue;
            }
            list.push_back({standard, shapes, candidates_of(standard, wanted)});
        }
    }
    if (list.empty()) {
        throw InputError(fmt::format(
            "no kernel of the manifest {} has op \"{}\", dtype \"{}\" and one of the shapes, in shard {}/{}",
            manifest.name, wanted.op, wanted.dtype, wanted.shard, wanted.shards));
    }
    return list;
}

}  // namespace norma
