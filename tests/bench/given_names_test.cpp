// SPDX-License-Identifier: MIT
#include "bench/given_names.h"

#include "tests/support/catch.h"

using namespace norma::bench;

TEST_CASE("messages name what the user gave", "[bench]") {
    const GivenNames names = {{"desc.device", "--device"}, {"desc.x", "--dtype"}, {"eps", "--eps"}};
    const std::pair<const char *, const char *> messages[] = {
        {"desc.device is CUDA 0; none", "--device is CUDA 0; none"},
        {"desc.device.type is 9", "desc.device.type is 9"},  // which is another field
        {"a desc.x, desc.y and eps", "a --dtype, desc.y and --eps"},
        {"desc.x is \"eps\"; eps is 3", "--dtype is \"eps\"; --eps is 3"},
        {"epsilon, weight_eps", "epsilon, weight_eps"},
        {"", ""},
    };
    for (const auto &[message, given] : messages) {
        CHECK(in_given_names(message, names) == given);
    }
}

TEST_CASE("a refusal by the library is an input error in the given names, a failure stays what it is", "[bench]") {
    norma_plan_desc desc = norma::describe(NORMA_RMS_NORM_FORWARD, 0, NORMA_F32);
    const GivenNames names = {{"desc.hidden", "--shapes"}};
    CHECK_THROWS_AS(with_given_names(names, [&] { norma::Plan plan(desc); }), norma::InputError);
    CHECK_THROWS_WITH(with_given_names(names, [&] { norma::Plan plan(desc); }),
                      "invalid argument: --shapes is 0; expected 1 to 1073741824");
    CHECK_THROWS_AS(with_given_names(names, [] { throw norma::Error(NORMA_INTERNAL); }), norma::Error);
    CHECK(with_given_names(names, [] { return 3; }) == 3);
}
