// SPDX-License-Identifier: MIT
#include "device.h"

#include "tools/base/files.h"
#include "tools/base/subprocess.h"

namespace norma {

using nlohmann::json;

namespace {

constexpr double longest_start = 60;  // seconds that a driver may take to open all its devices

}  // namespace

json describe_first(const bench::DeviceKind &kind) {
    const json answer = run_in_subprocess(
        [&]() -> json {
            try {
                return kind.describe();
            } catch (const std::exception &error) {
                return {{"why", error.what()}};
            }
        },
        longest_start);
    if (answer.contains("why")) {
        throw InputError(std::string("no ") + kind.noun + " to measure on: " + answer.at("why").get<std::string>());
    }
    return answer;
}

}  // namespace norma
