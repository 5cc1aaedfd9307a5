// SPDX-License-Identifier: MIT
// Tuning of CUDA kernels from end to end, over the fake driver: its times are the interpreter's.
#include "tests/support/tune.h"

namespace {

const std::string fake = "LD_LIBRARY_PATH=" FAKE_CUDA " ";
// As many rows as an autoscheduled kernel's tile has.
const std::string command = "tune --target cuda-sm90 --shapes 32x128 --candidates 3 --manifest ";

std::string kernels(const Directory &d) {
    return d.write("m.json", manifest(R"({"device": "cuda", "op": "rms_norm_forward", "x": "bf16", "weight": "x",
        "hidden": 128})"));
}

}  // namespace

TEST_CASE("CUDA candidates are compiled here, and measured where there is a device", "[tune][cuda]") {
    Directory d;
    const std::string emitted = d / "emitted";
    const Result result = normagen(command + kernels(d) + " --emit " + emitted);
    INFO(result.out << result.err);
    REQUIRE(result.status == 0);
    json jobs = json::parse(read(emitted + "/jobs.json"));
    json &group = jobs.at("groups")[0], &candidates = group.at("candidates");
    CHECK(group.at("device") == "cuda");
    CHECK(group.at("capability") == 90);
    CHECK(group.at("oracle").at("device") == "cpu");
    CHECK(group.at("candidates")[0].at("device") == "cuda");
    REQUIRE(candidates.size() == 5);
    CHECK(candidates[4].at("strategy") == "anderson2021");
    const json wrong = candidates[1].at("knobs");
    candidates[1]["object"] = kernel_in_c(d, "wrong", candidates[1].at("symbol"), "return 0;");
    d.write("emitted/jobs.json", jobs.dump());

    const std::string records = d / "records", measure = "tune --measure " + emitted + " --records " + records + " ";
    auto measure_on = [&](const std::string &devices) { return normagen(measure, fake + "FAKE_CUDA_SM=" + devices); };
    check_refused("norma_measure", measure_on(""), "no CUDA device to measure on: cuDeviceGetCount: CUDA_ERROR_NO_DEV");
    check_refused("norma_measure", measure_on("80"),
                  "1 of 1 kernels are for a newer GPU than the first, a device that is not one (sm_80)");
    CHECK_FALSE(fs::exists(records));

    const Result measured = normagen(measure + "--budget 2s", fake);
    INFO(measured.out << measured.err);
    REQUIRE(measured.status == 0);
    const json device = {{"gpu", "a device that is not one"}, {"sm", 90}, {"l2", 1 << 16}, {"driver", "13.0"}};
    int right = 0;
    for (const json &record : records_in(records)) {
        INFO(record.dump());
        CHECK(record.at("device") == device);
        const bool ours = record.at("strategy") == "cuda_rows";
        CHECK(record.at("promises") == ours);
        if (record.at("status") == "ok") {
            CHECK(record.at("bits") == (ours ? "same" : "own"));
            CHECK(record.at("cache") == "flushed before each call");
            CHECK(record.at("bytes") == 32 * 128 * 4 + 128 * 2);
            CHECK(record.at("rounds") >= 7);
            CHECK(record.at("copy_ns") > 0);
            CHECK(record.at("interval")[0] <= record.at("interval")[1]);
            right++;
        } else {
            CHECK(!record.at("why").get<std::string>().empty());
        }
    }
    CHECK(right >= 2);
    CHECK(contains(failure_of(records_in(records), wrong), "wrong: rstd row 0 element 0 is 0; expected "));
    CHECK(normagen(measure + "--resume", fake).status == 0);
    CHECK(repeated(records_in(records)).empty());
    const Result explained =
        normagen("records explain " + records + " --kernel " + group.at("variant").get<std::string>());
    CHECK(contains(explained.out, "anderson2021"));
    CHECK(contains(explained.out, "a device that is not one, sm_90, 64 KB, driver 13.0"));
}

TEST_CASE("a backward's strips are added up before its gradients are compared", "[tune][cuda]") {
    Directory d;
    d.write("m.json",
            manifest(R"({"device": "cuda", "op": "layer_norm_backward", "x": "f32", "weight": "x", "bias": "x",
        "hidden": 128})"));
    const Result emitted = normagen(
        "tune --target cuda-sm90 --shapes 40x128 --candidates 1 --no-autoschedulers "
        "--manifest " +
        d / "m.json" + " --emit " + d / "emitted");
    INFO(emitted.out << emitted.err);
    REQUIRE(emitted.status == 0);
    REQUIRE(normagen("tune --budget 1s --measure " + d / "emitted" + " --records " + d / "records", fake).status == 0);
    const std::vector<json> records = records_in(d / "records");
    REQUIRE(records.size() == 1);
    CHECK(records[0].value("why", "") == "");
}

TEST_CASE("without a device, CUDA kernels are not tuned but for another machine", "[tune][cuda]") {
    Directory d;
    const std::string here = command + kernels(d) + " --records " + d / "records" + " --work " + d / "work";
    check_refused(normagen(here, fake + "FAKE_CUDA_SM="),
                  "this machine does not run cuda-sm90 (cuDeviceGetCount: CUDA_ERROR_NO_DEVICE (no CUDA-capable device "
                  "is detected)); expected --emit DIR");
    check_refused(normagen(here, fake + "FAKE_CUDA_SM=80"), "its first device is sm_80; an NVIDIA GPU of compute cap");
    CHECK_FALSE(fs::exists(d / "records"));
    CHECK_FALSE(fs::exists(d / "work"));
    d.write("job", lines(normagen(command + kernels(d) + " --list").out)[0]);
    check_refused(normagen("worker < " + d / "job", fake + "FAKE_CUDA_SM="),
                  "this machine does not run cuda-sm90 (cuDev");
}

TEST_CASE("a strategy of the other kind of target is not tried", "[tune][cuda]") {
    Directory d;
    CHECK(normagen(command + kernels(d) + " --list --strategy adams2019,cpu_rows").out.empty());
    const Result cpu = normagen("tune --target x86-64-v3 --list --op rms_norm --strategy anderson2021,cuda_rows");
    INFO(cpu.err);
    CHECK(cpu.status == 0);
    CHECK(cpu.out.empty());
}
