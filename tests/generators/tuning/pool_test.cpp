// SPDX-License-Identifier: MIT
// What several processes say of one candidate.
#include "generators/tuning/measure/pool.h"

#include "tests/support/catch.h"

using nlohmann::json;

namespace {

json result(double ns, double default_ns) {
    return {{"ns", ns},
            {"interval", {ns - 1, ns + 1}},
            {"default_ns", default_ns},
            {"default_interval", {default_ns - 1, default_ns + 1}},
            {"control_ns", default_ns},
            {"control_interval", {default_ns - 2, default_ns + 1}},
            {"rounds", 3},
            {"repeats", 1},
            {"bits", "same"}};
}

}  // namespace

TEST_CASE("processes are pooled to the middle ratio, with all of their intervals", "[tune]") {
    // A process on a machine at half its speed has the same ratio.
    const json all = norma::pooled({result(90, 100), result(190, 200), result(80, 100)});
    CHECK(all.at("ns") == 90);
    CHECK(all.at("default_ns") == 100);
    CHECK(all.at("interval") == json({79, 95.5}));
    CHECK(all.at("default_interval") == json({99, 101}));
    CHECK(all.at("control_interval") == json({98, 101}));
    CHECK(all.at("rounds") == 9);
    CHECK(all.at("repeats") == 3);
    CHECK(norma::pooled({result(90, 100), {{"why", "wrong"}}, result(80, 100)}) == json({{"why", "wrong"}}));
    CHECK(norma::pooled({result(90, 100)}) == result(90, 100));
}
