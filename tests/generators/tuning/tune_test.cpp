// SPDX-License-Identifier: MIT
// Tuning from end to end: what it finds, what it rejects, and what it survives.
#include <sched.h>

#include <cstring>
#include <set>

#include "tests/support/page.h"
#include "tests/support/tune.h"

namespace {

const std::string few = "--candidates 6 --no-autoschedulers --budget 20s ";

}  // namespace

TEST_CASE("a slow default loses, and the library says which record its kernel came from", "[tune]") {
    Directory d;
    write_slow_target(d);
    const Result tuned = normagen(tune_command(d, few + "--report " + d / "report.html"));
    INFO(tuned.out << tuned.err);
    REQUIRE(tuned.status == 0);
    CHECK(contains(tuned.out, tuned_kernel));
    bool decided = false;
    for (const json &record : records_in(d.path / "records")) {
        CHECK(record.at("status") == "ok");
        CHECK(record.at("bytes") == 16 * 512 * 8 + 512 * 4);
        decided |= record.at("final") && record.at("interval")[1] < record.at("default_interval")[0];
    }
    CHECK(decided);

    const std::string compile = "compile --target slow --manifest " + d / "m.json" + " --target-files " +
                                d / "targets" + " --out " + d / "out" + " --records ";
    REQUIRE(normagen(compile + d / "records").status == 0);
    const json kernel = json::parse(read(d / "out/manifest.lock.json")).at("kernels")[0];
    CHECK(kernel.at("origin").get<std::string>().rfind("record ", 0) == 0);
    CHECK(kernel.at("knobs").at("lanes") > 4);
    CHECK(contains(read(d / "out/registry.cpp"), kernel.at("origin").get<std::string>().substr(0, 15)));
    // The table is what the library will have.
    CHECK(contains(tuned.out, "slow " + std::string(16, ' ') +
                                  kernel.at("origin").get<std::string>().substr(std::strlen("record 12345678: "), 5)));
    REQUIRE(normagen(compile + "none").status == 0);
    CHECK(json::parse(read(d / "out/manifest.lock.json")).at("kernels")[0].at("origin") == "default");

    // The library says so itself.
    REQUIRE(normagen("bundle --targets slow --manifest " + d / "m.json" + " --target-files " + d / "targets" +
                     " --records " + d / "records" + " --jobs 2 --out " + d / "bundle")
                .status == 0);
    REQUIRE(shell("cc -I" + d / "bundle/include" + " " + source + "/examples/c/rms_norm.c " +
                  d / "bundle/lib/libnorma.a" + " -o " + d / "rms_norm")
                .status == 0);
    const Result ran = shell("NORMA_VERBOSE=dispatch " + d / "rms_norm");
    INFO(ran.err);
    CHECK(ran.status == 0);
    CHECK(contains(ran.err, "from " + kernel.at("origin").get<std::string>()));

    // A child takes what its parent's record changed.
    d.write("targets/child.json", R"({"name": "child", "parent": "slow", "needs": "nothing else"})");
    const Result listed = normagen("list --json --target child --manifest " + d / "m.json" + " --target-files " +
                                   d / "targets" + " --records " + d / "records");
    CHECK(contains(listed.out, " of slow: "));

    const std::string report = check_page(d / "report.html");
    CHECK(contains(report, "<polyline"));
    CHECK(contains(report, "<rect class=\"winner\""));
    // The answer comes first: what was won, where it stands beside a copy, and what was called.
    const size_t details = report.find("<details");
    for (const char *part : {"1 of 1 kernels gained, 0.", "time over that of a copy of the same bytes",
                             "<code>normagen tune --manifest ", "<th>95 %</th>"}) {
        CHECK(report.find(part) < details);
    }

    // As much can be seen later, from the records.
    fs::create_directory(d.path / "others");
    const Result later = normagen("records report " + d / "records" + " --target-files " + d / "targets" +
                                  " --assembly --against " + d / "others" + " --out " + d / "later.html");
    INFO(later.err);
    REQUIRE(later.status == 0);
    const std::string full = check_page(d / "later.html");
    CHECK(contains(full, "<polyline"));
    CHECK(contains(full, "\n- no records\n+ cpu_rows "));
    const size_t loop = full.find("The winner's inner loop");
    REQUIRE(loop != full.npos);
    CHECK(contains(full.substr(loop), "%xmm"));
}

TEST_CASE("a run-time choice that loses is replaced, and travels in the library's table", "[tune]") {
    Directory d;
    fs::copy(source + "/schedules/targets", d.path / "targets");
    d.write("targets/slow.json", R"({"name": "slow", "parent": "x86-64-v2", "needs": "patience",
        "run_time": {"streaming_threshold": 1}})");
    REQUIRE(normagen(tune_command(d, "--candidates 1 --no-autoschedulers --budget 20s --shapes 64x512")).status == 0);
    const std::string compile = "compile --manifest " + d / "m.json" + " --target-files " + d / "targets" +
                                " --records " + d / "records" + " --out " + d / "out" + " --target ";
    REQUIRE(normagen(compile + "slow").status == 0);
    const json kernel = json::parse(read(d / "out/manifest.lock.json")).at("kernels")[0];
    INFO(kernel);
    CHECK(kernel.at("origin").get<std::string>().rfind("record ", 0) == 0);
    const std::string threshold = kernel.at("knobs").at("streaming_threshold").dump();
    CHECK(threshold.size() > 6);  // megabytes
    CHECK(contains(read(d / "out/registry.cpp"), "{" + threshold + ", 2048, 262144, 32768},"));

    // A child that chooses for itself keeps its choice.
    d.write("targets/child.json", R"({"name": "child", "parent": "slow", "needs": "nothing else",
        "run_time": {"streaming_threshold": 77}})");
    REQUIRE(normagen(compile + "child").status == 0);
    CHECK(json::parse(read(d / "out/manifest.lock.json")).at("kernels")[0].at("knobs").at("streaming_threshold") == 77);
}

TEST_CASE("what is worth a thread is measured by norma bench, and travels in the library's table", "[tune]") {
    Directory d;
    write_slow_target(d);
    // As norma bench would, on a machine where cutting 16 rows in two pays.
    json result = {{"op", "rms_norm_forward"}, {"dtype", "f32"}, {"rows", 16}, {"hidden", 1024},
                   {"kernel", tuned_kernel},   {"threads", 2},   {"bytes", 1}};
    for (const auto &[elements, ns] : {std::pair(32768, 100), {8192, 80}, {4096, 101}}) {
        result["tasks"].push_back(
            {{"grain_size", elements}, {"ns", ns}, {"interval", {ns - 0.5, ns + 0.5}}, {"rounds", 9}});
    }
    const json machine = {{"cpu", "made up"}, {"copy_isa", "avx2"}, {"l1d", 1}, {"l2", 2}, {"l3", 3}};
    d.write("result.json", json({{"machine", machine}, {"results", {result}}}).dump());
    d.write("bench", "#!/bin/sh\necho \"$@\" >> " + d / "asked" + "\nfor last; do :; done\ncp " + d / "result.json" +
                         " \"$last\"\n");
    fs::permissions(d / "bench", fs::perms::owner_all);

    const std::string tune = tune_command(d, "--tasks " + d / "bench");
    const Result alone = shell("taskset -c 0 " NORMAGEN_PROGRAM " " + tune);
    CHECK(alone.status == 0);
    CHECK(contains(alone.err, "normagen: one core: grain_size is not tuned"));
    CHECK_FALSE(fs::exists(d.path / "asked"));

    if (cpu_set_t set; sched_getaffinity(0, sizeof set, &set) != 0 || CPU_COUNT(&set) < 2) {
        WARN("the rest is skipped: it takes two cores");
        return;
    }
    const Result tuned = normagen(tune);
    INFO(tuned.err);
    REQUIRE(tuned.status == 0);
    const std::string asked = read(d / "asked");
    CHECK(contains(asked, "bench --op rms_norm_forward --dtype f32 --target slow --threads "));
    CHECK(contains(asked, "--grain-size 32768,4096,8192,"));
    const std::vector<json> records = records_in(d.path / "records");
    REQUIRE(records.size() == 2);
    CHECK(records[0].at("threads") == 2);
    CHECK(records[0].at("device").at("cpu") == "made up");

    REQUIRE(normagen("compile --target slow --manifest " + d / "m.json" + " --target-files " + d / "targets" +
                     " --records " + d / "records" + " --out " + d / "out")
                .status == 0);
    CHECK(contains(read(d / "out/registry.cpp"), ", 2048, 262144, 8192},"));
    CHECK(contains(read(d / "out/manifest.lock.json"), "default; 8192 elements a thread, record "));
    check_refused(normagen(tune_command(d, "--tasks " + d / "none")), "--tasks: File does not exist: " + d / "none");
}

TEST_CASE("wrong, crashing and hanging candidates are rejected, and cost only themselves", "[tune]") {
    Directory d;
    write_slow_target(d);
    REQUIRE(normagen(tune_command(d, few + "--emit " + d / "emitted")).status == 0);
    json jobs = json::parse(read(d / "emitted/jobs.json"));
    json &candidates = jobs.at("groups")[0].at("candidates");
    REQUIRE(candidates.size() >= 5);
    const std::string symbol = candidates[1].at("symbol");
    const std::vector<std::pair<std::string, std::string>> faults = {
        {"return 0;", "wrong: rstd row 0 element 0 is 0"},
        {"abort();", "killed by signal 6"},
        {"for (;;) pause();", "killed at its time limit of "},
        {"return 7;", "the kernel returned 7"}};
    for (size_t i = 0; i < faults.size(); i++) {
        candidates[i + 1]["object"] = kernel_in_c(d, "fault" + std::to_string(i), symbol, faults[i].first);
    }
    d.write("emitted/jobs.json", jobs.dump());
#ifndef __SANITIZE_ADDRESS__  // whose own library is shared
    // What measures needs a C library and nothing else.
    const Result needed = shell("ldd " + d / "emitted/norma_measure");
    for (const char *library : {"Halide", "libfmt", "libstdc++"}) {
        CHECK_FALSE(contains(needed.out, library));
    }
#endif
    const Result measured = shell(d / "emitted/norma_measure" + " " + d / "emitted" +
                                  " --timeout 3 --budget 10 --records " + d / "records");
    INFO(measured.out << measured.err);
    REQUIRE(measured.status == 0);
    const std::vector<json> records = records_in(d.path / "records");
    for (size_t i = 0; i < faults.size(); i++) {
        INFO(faults[i].first);
        CHECK(contains(failure_of(records, candidates[i + 1].at("knobs")), faults[i].second));
    }
    CHECK(failure_of(records, candidates[5].at("knobs")).empty());
    CHECK(contains(measured.out, " 4 failed"));
}

TEST_CASE("what is ended goes on where it was, and measures nothing again", "[tune]") {
    Directory d;
    write_slow_target(d);
    REQUIRE(normagen(tune_command(d, few + "--emit " + d / "emitted")).status == 0);
    const std::string measure = "tune --measure " + d / "emitted" + " --records " + d / "records" + " --budget 10s";
    for (const char *signal : {"KILL", "INT"}) {
        const std::string file = d / "records/slow/rms_norm_forward.jsonl";
        const size_t before = fs::exists(file) ? lines(read(file)).size() : 0;
        // Once there is a record more, it is ended.
        const Result ended = shell("env --default-signal=INT " NORMAGEN_PROGRAM " " + measure +
                                   " --resume & pid=$!; for i in $(seq 600); do "
                                   "[ $(cat " +
                                   file + " 2> /dev/null | wc -l) -gt " + std::to_string(before) +
                                   " ] && break; sleep 0.05; done; kill -" + signal + " $pid; wait $pid");
        CHECK(records_in(d.path / "records").size() > before);  // each line is whole
        // Ctrl-C asks for what was found so far.
        CHECK(contains(ended.out, " taken from records, ") == (signal == std::string("INT")));
    }
    const size_t kept = records_in(d.path / "records").size();
    const Result resumed = normagen(measure + " --resume");
    INFO(resumed.out << resumed.err);
    CHECK(resumed.status == 0);
    CHECK(contains(resumed.out, std::to_string(kept) + " taken from records"));
    CHECK(normagen(measure + " --resume").status == 0);
    CHECK(repeated(records_in(d.path / "records")).empty());
}

TEST_CASE("a full disk ends tuning, and the records stay whole", "[tune]") {
    Directory d;
    write_slow_target(d);
    REQUIRE(normagen(tune_command(d, few + "--emit " + d / "emitted")).status == 0);
    const Result full = shell("ulimit -f 4; " + d / "emitted/norma_measure" + " " + d / "emitted" +
                              " --budget 10 --records " + d / "records");
    INFO(full.err);
    CHECK(full.status == 1);
    CHECK(contains(full.err, "rms_norm_forward.jsonl: cannot write: "));
    const std::vector<json> records = records_in(d.path / "records");  // each line is whole
    CHECK(records.size() >= 1);
    CHECK(shell(d / "emitted/norma_measure" + " " + d / "emitted" + " --budget 10 --resume --records " + d / "records")
              .status == 0);
}

TEST_CASE("jobs are listed, split without overlap, and worked on one by one", "[tune]") {
    Directory d;
    write_slow_target(d);
    const std::string list = tune_command(d, "--candidates 3 --list --shard ");
    d.write("m.json", two);
    auto listed = [&](const std::string &shard) {
        const std::vector<std::string> jobs = lines(normagen(list + shard).out);
        return std::multiset<std::string>(jobs.begin(), jobs.end());
    };
    d.write("m.json", two);
    const std::multiset<std::string> all = listed("1/1"), first = listed("1/2"), second = listed("2/2");
    std::multiset<std::string> both = first;
    both.insert(second.begin(), second.end());
    CHECK(both == all);
    CHECK_FALSE(first.empty());

    d.write("job", *all.begin());
    const Result worked = normagen("worker --budget 1s --target-files " + d / "targets" + " < " + d / "job");
    INFO(worked.err);
    REQUIRE(worked.status == 0);
    REQUIRE(lines(worked.out).size() == 1);
    const json record = json::parse(worked.out);
    for (const char *key : {"variant", "target", "strategy", "knobs", "rows", "hidden"}) {
        CHECK(record.at(key) == json::parse(*all.begin()).at(key));
    }
    check_refused(normagen("worker < /dev/null"), "standard input is empty; expected jobs");
    check_refused(shell("echo '{}' | " NORMAGEN_PROGRAM " worker"), "job 1 is no such line as tune --list prints");
}

TEST_CASE("jobs are compiled together, as tune does, and measured elsewhere", "[tune]") {
    Directory d;
    write_slow_target(d);
    const std::string tune = tune_command(d, "--candidates 3 --no-autoschedulers --shapes 16x512,8x512 ");
    const std::string worker = NORMAGEN_PROGRAM " worker --target-files " + d / "targets";
    d.write("jobs", normagen(tune + "--list").out);
    const Result compiled = shell(worker + " --emit " + d / "by_worker" + " < " + d / "jobs");
    INFO(compiled.err);
    REQUIRE(compiled.status == 0);
    REQUIRE(normagen(tune + "--emit " + d / "by_tune").status == 0);
    CHECK(read(d / "by_worker/jobs.json") == read(d / "by_tune/jobs.json"));
    REQUIRE(shell(d / "by_worker/norma_measure" + " " + d / "by_worker" + " --budget 1 --records " + d / "records")
                .status == 0);
    CHECK(records_in(d.path / "records").size() >= 2);

    // All jobs of a kernel are one search.
    const Result worked = shell(worker + " --budget 1s < " + d / "jobs");
    INFO(worked.err);
    REQUIRE(worked.status == 0);
    CHECK(lines(worked.out).size() >= 2);

    json job = json::parse(lines(read(d / "jobs"))[0]);
    const std::string first = job.dump();
    job["target"] = "none";
    d.write("jobs", first + "\n" + job.dump());
    check_refused(shell(worker + " < " + d / "jobs"), "job 2: \"none\" is not a target");
    job["target"] = "slow";
    job["knobs"]["lanes"] = 3;
    d.write("jobs", job.dump());
    check_refused(shell(worker + " < " + d / "jobs"), "job 1: its candidate is not legal: ");
    d.write("jobs", json::parse(read(d / "by_tune/jobs.json")).dump());
    check_refused(shell(worker + " < " + d / "jobs"), "job 1 is no such line as tune --list prints");
}

TEST_CASE("GNU parallel spreads the jobs", "[tune]") {
    if (shell("command -v parallel").status != 0) {
        WARN("there is no GNU parallel");
        return;
    }
    Directory d;
    write_slow_target(d);
    REQUIRE(
        shell(NORMAGEN_PROGRAM " " + tune_command(d, "--list --no-autoschedulers --candidates 1") + " > " + d / "jobs")
            .status == 0);
    fs::create_directory(d.path / "records");
    const size_t jobs = lines(read(d / "jobs")).size();
    const Result spread = shell("parallel -j2 --pipe -N1 " NORMAGEN_PROGRAM " worker --budget 0.1s --target-files " +
                                d / "targets" + " < " + d / "jobs" + " > " + d / "records/records.jsonl");
    INFO(spread.err);
    REQUIRE(spread.status == 0);
    const std::vector<json> records = records_in(d.path / "records");
    CHECK(std::count_if(records.begin(), records.end(), [](const json &record) { return record.at("final"); }) ==
          (std::ptrdiff_t)jobs);
    CHECK(contains(normagen("records best " + d / "records" + " --target-files " + d / "targets").out, tuned_kernel));
}

TEST_CASE("an exhaustive search says what the quick one missed, at each shape", "[tune]") {
    Directory d;
    write_slow_target(d);
    REQUIRE(normagen(tune_command(d, few + "--shapes 16x512,8x512 --emit " + d / "emitted")).status == 0);
    const Result measured =
        normagen("tune --exhaustive --budget 5s --measure " + d / "emitted" + " --records " + d / "records");
    INFO(measured.out << measured.err);
    REQUIRE(measured.status == 0);
    for (const char *where : {"all shapes", "16x512", "8x512"}) {
        CHECK(contains(measured.out, std::string(" % at ") + where + ": found "));
    }
    CHECK_FALSE(contains(measured.out, "regret -"));
    std::set<std::string> final_ones;  // every candidate was measured at length
    for (const json &record : records_in(d.path / "records")) {
        if (record.at("final")) {
            final_ones.insert(record.at("knobs").dump());
        }
    }
    const json group = json::parse(read(d / "emitted/jobs.json")).at("groups")[0];
    CHECK(final_ones.size() >= group.at("candidates").size() - 1);  // and a combination
}

TEST_CASE("tuning keeps to the strategies that it is told", "[tune]") {
    Directory d;
    write_slow_target(d);
    const Result listed = normagen(tune_command(d, "--list --strategy adams2019"));
    REQUIRE(listed.status == 0);
    REQUIRE(lines(listed.out).size() == 1);
    CHECK(json::parse(listed.out).at("strategy") == "adams2019");
    check_refused(normagen(tune_command(d, "--strategy cpu")), "--strategy");
    check_refused(normagen(tune_command(d, "--strategy adams2019 --no-autoschedulers")), "--strategy");
}

TEST_CASE("autoschedulers are measured beside, and never win", "[tune]") {
    Directory d;
    write_slow_target(d);
    REQUIRE(normagen(tune_command(d, "--candidates 1 --budget 20s")).status == 0);
    int measured = 0;
    for (const json &record : records_in(d.path / "records")) {
        if (record.at("strategy") != "cpu_rows") {
            INFO(record.dump());
            CHECK(record.at("status") == "ok");
            CHECK_FALSE(record.at("promises"));
            measured++;
        }
    }
    CHECK(measured == 3);
    const Result explained =
        normagen("records explain " + d / "records" + " --target-files " + d / "targets" + " --kernel " + tuned_kernel);
    CHECK(contains(explained.out, "its strategy does not keep docs/numerics.md"));
}

TEST_CASE("tune refuses what it cannot do", "[tune]") {
    Directory d;
    write_slow_target(d);
    check_refused(normagen("tune"), "expected --target, or --measure");
    check_refused(normagen(tune_command(d, "--candidates ''")), "--candidates");
    check_refused(normagen(tune_command(d, "--shapes 16")), "--shapes has \"16\"; expected rows x hidden");
    check_refused(normagen(tune_command(d, "--shapes 65536x65536")), "below 2^31 elements");
    check_refused(normagen(tune_command(d, "--shard 3/2")), "--shard is \"3/2\"; expected K/N with K from 1 to N");
    check_refused(normagen(tune_command(d, "--dtype f33")),
                  "no kernel of the manifest test has op \"\", dtype \"f33\"");
    check_refused(normagen(tune_command(d, "--op norm")), "--op");
    check_refused(normagen(tune_command(d, "--budget 3y")), "--budget");
    check_refused(normagen("tune --target aarch64 --manifest " + minimal), "this machine does not run aarch64");
    check_refused("norma_measure", normagen("tune --measure " + d / "none" + " --records " + d / "records"),
                  "jobs.json: cannot read");
    d.write("bad/jobs.json", R"({"halide": "1", "groups": [{}]})");
    check_refused("norma_measure", normagen("tune --measure " + d / "bad" + " --records " + d / "records"),
                  "jobs.json: no jobs: ");
}
