// SPDX-License-Identifier: MIT
// Machines without a CUDA driver, with a broken one, and with one that finds no device.
#include <norma/norma.h>

#include "tests/support/process.h"

namespace {

// Of a process that finds libcuda.so.1 in the folder.
void check_plan(const std::string &folder, const std::string &environment, norma_status status,
                const std::string &words) {
    const Result result = shell("LD_LIBRARY_PATH=" + folder + " " + environment + " " + CUDA_PLAN);
    INFO(environment << ": " << result.out << result.err);
    const std::vector<std::string> printed = lines(result.out);
    REQUIRE(printed.size() == 3);
    CHECK(printed[0].find(std::to_string(status) + " " + words) == 0);
    CHECK(printed[1] == "0 any.cpu");
    CHECK(printed[2] == (status == NORMA_NO_DEVICE ? "1 targets run here" : "3 targets run here"));
}

}  // namespace

TEST_CASE("with a driver there are plans on CUDA", "[cuda]") { check_plan(FAKE_CUDA, "", NORMA_OK, "any"); }

TEST_CASE("a driver that cannot be opened leaves the CPU", "[cuda]") {
    const Directory d;
    d.write("libcuda.so.1", "not a library");
    check_plan(d.path.string(), "", NORMA_NO_DEVICE, "desc.device is CUDA 0; the CUDA driver cannot be opened: ");
}

TEST_CASE("a library that is no driver leaves the CPU", "[cuda]") {
    check_plan(NO_CUDA, "", NORMA_NO_DEVICE,
               "desc.device is CUDA 0; libcuda.so.1 has no cuInit; expected a driver of CUDA 11 or newer");
}

TEST_CASE("a driver that fails at its start leaves the CPU, with the driver's name for it", "[cuda]") {
    const struct {
        const char *function;
        int error;
        const char *name;
    } cases[] = {{"cuInit", 100, "cuInit: CUDA_ERROR_NO_DEVICE (no CUDA-capable device is detected)"},
                 {"cuInit", 999, "cuInit: CUDA error 999, which the driver has no name for"},
                 {"cuDeviceGetCount", 3, "cuDeviceGetCount: CUDA_ERROR_NOT_INITIALIZED (initialization error)"},
                 {"cuDeviceGet", 101, "cuDeviceGet: CUDA_ERROR_INVALID_DEVICE (invalid device ordinal)"},
                 {"cuDeviceGetAttribute", 1, "cuDeviceGetAttribute: CUDA_ERROR_INVALID_VALUE (invalid argument)"}};
    for (const auto &c : cases) {
        check_plan(FAKE_CUDA, std::string("FAKE_CUDA_FAIL=") + c.function + ":" + std::to_string(c.error),
                   NORMA_NO_DEVICE, std::string("desc.device is CUDA 0; ") + c.name);
    }
    check_plan(FAKE_CUDA, "FAKE_CUDA_SM=", NORMA_NO_DEVICE,
               "desc.device is CUDA 0; cuDeviceGetCount: CUDA_ERROR_NO_DEVICE");
    check_plan(FAKE_CUDA, "FAKE_CUDA_SM=75,90", NORMA_UNSUPPORTED_TARGET,
               "desc.target is \"\", and this device runs none");
}
