// SPDX-License-Identifier: MIT
#include "subprocess.h"

#include <fmt/format.h>

#include "child.h"

namespace norma {

using nlohmann::json;

json run_in_subprocess(const std::function<json()> &work, double seconds) {
    const std::string mark = "\nresult: ";
    auto print = [&] {
        fmt::print("{}{}\n", mark, work().dump());
        fflush(stdout);
    };
    Child child(print, std::chrono::duration<double>(seconds));
    child.wait();
    const std::string &output = child.output();
    if (!child.failure().empty()) {
        const size_t end = output.find_last_not_of('\n');
        const size_t line = output.rfind('\n', end) + 1;
        const std::string last = output.empty() || end == output.npos ? "" : ": " + output.substr(line, end + 1 - line);
        return {{"why", child.failure() + last}};
    }
    const size_t at = output.rfind(mark);
    return at == output.npos ? json{{"why", "its process said nothing"}} : json::parse(output.substr(at + mark.size()));
}

}  // namespace norma
