// SPDX-License-Identifier: MIT
#include "jobs.h"

#include "tools/base/json_file.h"

namespace norma {

using nlohmann::json;

JobsFile read_jobs(const std::filesystem::path &directory) {
    const std::filesystem::path path = directory / "jobs.json";
    const json text = read_json(path);
    try {
        JobsFile jobs;
        text.at("halide").get_to(jobs.halide);
        const std::string base = std::filesystem::absolute(directory).string();
        for (const json &from : text.at("groups")) {
            TuneGroup group;
            from.at("variant").get_to(group.variant);
            from.at("target").get_to(group.target);
            from.at("lowered").get_to(group.lowered);
            group.default_knobs = from.at("default_knobs");
            from.at("shapes").get_to(group.shapes);
            group.kind = &bench::device_kind(from.at("device").get<std::string>());
            from.at("capability").get_to(group.capability);
            group.oracle = parse_kernel_file(from.at("oracle"), base);
            for (const json &entry : from.at("candidates")) {
                Candidate candidate;
                entry.at("strategy").get_to(candidate.strategy);
                entry.at("promises").get_to(candidate.promises);
                candidate.knobs = entry.at("knobs");
                candidate.why = entry.value("why", "");
                if (candidate.why.empty()) {
                    candidate.file = parse_kernel_file(entry, base);
                }
                group.candidates.push_back(candidate);
            }
            if (group.candidates.empty() || !group.candidates.front().why.empty()) {
                throw InputError(path.string() + ": " + group.variant + " has no default to compare with");
            }
            jobs.groups.push_back(group);
        }
        return jobs;
    } catch (const json::exception &error) {
        throw InputError(path.string() + ": no jobs: " + error.what());
    }
}

}  // namespace norma
