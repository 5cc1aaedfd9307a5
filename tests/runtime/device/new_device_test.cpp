// SPDX-License-Identifier: MIT
// A new kind of device is a folder (host2) and a line (in host2/devices.cpp): the dispatcher is as it is.
#include <HalideRuntime.h>

#include <string>
#include <vector>

#include "host2/host2_device.h"
#include "tests/support/catch.h"
#include "tests/support/made_up_kernel.h"

namespace {

using norma::host2_type;
using norma::Role;

constexpr Role arguments[] = {Role::user_context, Role::x,   Role::eps, Role::store_mode, Role::y,
                              Role::mean,         Role::rstd};

// y = factor * x, where a kernel of any target would normalize.
template <int factor>
int multiplies(void **given) {
    const auto *x = static_cast<const halide_buffer_t *>(given[1]), *y = static_cast<const halide_buffer_t *>(given[4]);
    for (int32_t row = 0; row < x->dim[1].extent; row++) {
        for (int32_t d = 0; d < x->dim[0].extent; d++) {
            const float value = reinterpret_cast<const float *>(x->host)[row * x->dim[1].stride + d];
            reinterpret_cast<float *>(y->host)[row * y->dim[1].stride + d] = factor * value;
        }
    }
    return 0;
}

template <int factor>
constexpr norma::Kernel kernel(const char *name, uint16_t target) {
    return norma::test::made_up_kernel(name, target, NORMA_RMS_NORM_FORWARD, multiplies<factor>, arguments);
}

}  // namespace

namespace norma {

const Target targets[] = {{"host2-1", "", {}, {}, host2_type, 1},
                          {"host2-0", "", {}, {}, host2_type, 0},
                          {"plain", "", {}, {}, NORMA_CPU, 0}};
const int32_t target_count = 3;
const Kernel kernels[] = {kernel<3>("of_host2-1", 0), kernel<2>("of_host2-0", 1), kernel<1>("of_plain", 2)};
const int32_t kernel_count = 3;

}  // namespace norma

namespace {

struct Result {
    norma_status status;
    std::string message;
    std::vector<float> y;
};

Result run(norma_device device, norma_device of_x, const char *target = nullptr) {
    norma_plan_cache_clear();
    norma_plan_desc desc = {};
    desc.size = sizeof(desc);
    desc.op = NORMA_RMS_NORM_FORWARD;
    desc.x = NORMA_F32;
    desc.hidden = 4;
    desc.device = device;
    desc.target = target;
    std::vector<float> x = {1, 2, 3, 4, 5, 6, 7, 8}, y(8);
    norma_arguments call = {};
    call.size = sizeof(call);
    call.x = {x.data(), NORMA_F32, of_x, 2, {2, 4}, {4, 1}};
    call.y = {y.data(), NORMA_F32, device, 2, {2, 4}, {4, 1}};
    const norma_status status = norma_run(&desc, &call, nullptr);
    return {status, norma_last_error(), y};
}

Result run(norma_device device, const char *target = nullptr) { return run(device, device, target); }

}  // namespace

TEST_CASE("a run on a new kind of device takes the best target of the device that is asked for", "[new_device]") {
    CHECK(run({host2_type, 0}).y == std::vector<float>{2, 4, 6, 8, 10, 12, 14, 16});
    CHECK(run({host2_type, 1}).y == std::vector<float>{3, 6, 9, 12, 15, 18, 21, 24});
    CHECK(run({host2_type, 1}, "host2-0").y == std::vector<float>{2, 4, 6, 8, 10, 12, 14, 16});
    CHECK(run({NORMA_CPU, 0}).y == std::vector<float>{1, 2, 3, 4, 5, 6, 7, 8});
}

TEST_CASE("what does not fit a new kind of device is refused in its words", "[new_device]") {
    Result result = run({host2_type, 2});
    CHECK(result.status == NORMA_NO_DEVICE);
    CHECK(result.message == "desc.device is host2 2; expected 0 or 1, as there are");
    result = run({host2_type, -1});
    CHECK(result.status == NORMA_INVALID_ARGUMENT);
    CHECK(result.message == "desc.device.id is -1; expected 0 or more");
    result = run({host2_type, 0}, "host2-1");
    CHECK(result.status == NORMA_UNSUPPORTED_TARGET);
    CHECK(result.message ==
          "desc.target is \"host2-1\", which this second host cannot run; expected one of: host2-1 (not on this second "
          "host), host2-0");
    result = run({host2_type, 0}, "plain");
    CHECK(result.status == NORMA_UNSUPPORTED_TARGET);
    CHECK(result.message.find("which is for another type of device") != std::string::npos);
    result = run({host2_type, 0}, {NORMA_CPU, 0});
    CHECK(result.status == NORMA_INVALID_ARGUMENT);
    CHECK(result.message == "x.device.type is 1; expected NORMA_HOST2, as the plan has");
    result = run({static_cast<norma_device_type>(4), 0});
    CHECK(result.status == NORMA_INVALID_ARGUMENT);
    CHECK(result.message == "desc.device.type is 4; expected NORMA_CPU, NORMA_CUDA or NORMA_HOST2");
}

TEST_CASE("targets of a new kind of device are listed as its own", "[new_device]") {
    norma_target_info info = {};
    info.size = sizeof(info);
    REQUIRE(norma_get_target_info(0, &info) == NORMA_OK);
    CHECK((info.device == host2_type && info.runnable && !info.chosen));  // by the second of them alone
    REQUIRE(norma_get_target_info(1, &info) == NORMA_OK);
    CHECK((info.runnable && info.chosen));
}
