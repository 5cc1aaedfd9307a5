// SPDX-License-Identifier: MIT
// Records: which wins, what is skipped, and what the subcommands say. The records are made up, on top of a real one.
#include <map>
#include <set>

#include "tests/support/tune.h"

namespace {

struct Times {
    double ns, reach, default_ns;
};

class Made {
public:
    Made() {
        write_slow_target(directory);
        REQUIRE(normagen(tune_command(directory, "--candidates 1 --no-autoschedulers --emit " + directory / "jobs"))
                    .status == 0);
        REQUIRE(normagen("tune --budget 1s --measure " + directory / "jobs" + " --records " + directory / "records")
                    .status == 0);
        for (const json &record : records_in(directory.path / "records")) {
            base_ = record.at("final") ? record : base_;
        }
        fs::remove_all(directory.path / "records");
        REQUIRE(base_.is_object());
        CHECK(base_.at("cache") == "warm");
        for (const char *key : {"control_ns", "control_interval"}) {  // of other times than what is made up
            CHECK(base_.erase(key) == 1);
        }
    }

    json record(int rows, int store_lanes, const Times &times) const {
        json record = base_;
        record["rows"] = rows;
        record["bucket"] = std::to_string(rows) + "x512";
        record["knobs"] = base_.at("default_knobs");
        record["knobs"]["store_lanes"] = store_lanes;
        record["ns"] = times.ns;
        record["interval"] = {times.ns - times.reach, times.ns + times.reach};
        record["default_ns"] = times.default_ns;
        record["default_interval"] = {times.default_ns - times.reach, times.default_ns + times.reach};
        return record;
    }
    // A set of records; several may be written.
    std::string set(const std::string &name, const std::vector<json> &records) const {
        std::string text;
        for (const json &record : records) {
            text += record.dump() + "\n";
        }
        directory.write(name + "/slow/rms_norm_forward.jsonl", text);
        return directory / name;
    }
    Result run(const std::string &command, const std::string &set, const std::string &more = "") const {
        return normagen("records " + command + " " + set + " --target-files " + directory / "targets" + " " + more);
    }
    std::string origin(const std::string &set, std::string *err = nullptr, const std::string &more = "") const {
        const Result listed = normagen("list --json --target slow --manifest " + directory / "m.json" +
                                       " --target-files " + directory / "targets" + " --records " + set + " " + more);
        INFO(listed.err);
        REQUIRE(listed.status == 0);
        if (err != nullptr) {
            *err = listed.err;
        }
        return json::parse(listed.out).at("kernels")[0].at("origin");
    }

    // The record as of another kernel, a manifest's line.
    json of_kernel(json record, const std::string &line) const {
        directory.write("other.json", manifest(line));
        REQUIRE(normagen("compile --records none --target slow --manifest " + directory / "other.json" +
                         " --target-files " + directory / "targets" + " --out " + directory / "other")
                    .status == 0);
        const json kernel = json::parse(read(directory / "other/manifest.lock.json")).at("kernels")[0];
        record["variant"] = kernel.at("name");
        record["lowered"] = kernel.at("hash");
        return record;
    }

    Directory directory;

private:
    json base_;
};

}  // namespace

TEST_CASE("the winner is clearly faster somewhere and clearly slower nowhere", "[records]") {
    const Made made;
    const std::string wins = made.set("wins", {made.record(16, 64, {90, 1, 100}), made.record(32, 64, {100, 1, 100})});
    CHECK(made.origin(wins).rfind("record ", 0) == 0);
    CHECK(contains(made.run("explain", wins, "--kernel " + tuned_kernel).out, "    wins\n"));

    const std::vector<std::pair<std::vector<json>, std::string>> losers = {
        {{made.record(16, 64, {97, 2, 100})}, "not faster than the default beyond the intervals"},
        {{made.record(16, 64, {90, 1, 100}), made.record(32, 64, {105, 1, 100})}, "slower than the default at 32x512"}};
    for (const auto &[records, why] : losers) {
        const std::string set = made.set("loses", records);
        CHECK(contains(made.origin(set), "default, record "));
        CHECK(contains(made.run("explain", set, "--kernel " + tuned_kernel).out, why));
    }
    json failed = made.record(32, 64, {1, 0, 1});
    failed["status"] = "failed";
    failed["why"] = "killed by signal 11";
    CHECK(contains(made.origin(made.set("fails", {made.record(16, 64, {90, 1, 100}), failed})), "default, record "));
    json unpromised = made.record(16, 64, {50, 1, 100});
    unpromised["strategy"] = "adams2019";
    unpromised["promises"] = false;
    CHECK(contains(made.run("explain", made.set("unpromised", {unpromised}), "--stale --kernel " + tuned_kernel).out,
                   "its strategy does not keep docs/numerics.md"));
}

TEST_CASE("a candidate is judged where it was measured, and what nobody measured is no gain", "[records]") {
    const Made made;
    const json here = made.record(16, 64, {90, 1, 100});
    const std::string sparse = made.set("sparse", {here, made.record(32, 128, {80, 1, 100})});
    CHECK(contains(made.origin(sparse), ": 0.894 of the default's time"));  // the root of 0.8
    CHECK(contains(made.run("best", sparse).out, "store_lanes 32 -> 128, measured at 1 of 2 shapes"));
    // A brief look at one shape does not unseat what gained more over all.
    const std::string wide =
        made.set("wide", {here, made.record(32, 64, {90, 1, 100}), made.record(16, 128, {85, 1, 100})});
    CHECK(contains(made.run("best", wide).out, "    store_lanes 32 -> 64\n"));
}

TEST_CASE("no win is claimed within the noise that the control shows", "[records]") {
    const Made made;
    const auto controlled = [&](double ns, double control) {
        json record = made.record(16, 64, {ns, 1, 100});
        record["control_ns"] = control;
        record["control_interval"] = {control - 1, control + 1};
        return record;
    };
    CHECK(contains(made.origin(made.set("noisy", {controlled(95, 94)})), "default, record "));
    CHECK(contains(made.origin(made.set("noisy", {controlled(95, 106)})), "default, record "));
    CHECK(made.origin(made.set("clear", {controlled(93, 94)})).rfind("record ", 0) == 0);
    json slower = controlled(104, 105);
    slower["rows"] = 32;
    slower["bucket"] = "32x512";
    CHECK(made.origin(made.set("even", {controlled(90, 100), slower})).rfind("record ", 0) == 0);
    CHECK(contains(made.run("explain", made.set("noisy", {controlled(95, 94)}), "--kernel " + tuned_kernel).out,
                   "the default once more 94 ns [93, 95]: unsteady"));
}

TEST_CASE("the report praises no time that may be the default's", "[records]") {
    const Made made;
    const std::string set = made.set("noisy", {made.record(16, 64, {90, 1, 100}), made.record(32, 64, {50, 60, 100})});
    REQUIRE(made.run("report", set, "--out " + made.directory / "report.html").status == 0);
    const std::string page = read(made.directory / "report.html");
    CHECK(contains(page, "<td>0.90</td><td>0.88 to 0.92</td><td>16x512</td>"));
    CHECK_FALSE(contains(page, "<td>0.50</td>"));
}

TEST_CASE("records of one device take nothing from another's library", "[records]") {
    const Made made;
    const auto elsewhere = [](json record) {
        record["device"] = {{"cpu", "Acme 7"}, {"isa", "avx2"}, {"l1d", 1 << 10}, {"l2", 2 << 10}, {"l3", 7 << 10}};
        return record;
    };
    const json here = made.record(16, 64, {90, 1, 100}), there = elsewhere(made.record(16, 128, {80, 1, 100})),
               slow_there = elsewhere(made.record(16, 64, {105, 1, 100}));
    const std::string both = made.set("both", {here, there, slow_there});
    std::string err;
    CHECK(made.origin(both, &err) == made.origin(made.set("mine", {here})));
    CHECK(err.empty());
    CHECK(contains(made.origin(both, nullptr, "--device 'Acme 7'"), ": 0.800 of the default's time "));
    CHECK(contains(made.origin(both, nullptr, "--device all"), "default, record "));
    const Result explained = made.run("explain", both, "--kernel " + tuned_kernel);
    CHECK(contains(explained.out, " for slow on Acme 7, avx2, 1/2/7 KB\n"));
    CHECK(contains(explained.out, "not measured on "));
    CHECK(contains(made.run("best", both).out, "Acme 7, avx2, 1/2/7 KB\ntarget "));

    // What all devices agree on is for those without records, and what only another vendor's say is told.
    const json agreed = elsewhere(made.record(16, 64, {95, 1, 100}));
    CHECK(contains(made.origin(made.set("agreed", {here, agreed}), nullptr, "--device all"), "record "));
    const std::string foreign = made.origin(made.set("foreign", {there}), &err);
    CHECK(contains(foreign, " on Acme 7, avx2, 1/2/7 KB"));
    CHECK(contains(err,
                   "knobs of 1 kernel for slow were found on Acme 7, avx2, 1/2/7 KB, of another vendor than this "
                   "machine; normagen tune --target slow measures here"));
    check_refused(normagen("list --json --manifest " + minimal + " --device Zen --records " + both),
                  "--device is \"Zen\"; expected here, all, or how a device of the records begins: ");

    // Each device keeps its finalists.
    REQUIRE(made.run("prune", both, "--finalists 1").status == 0);
    CHECK(records_in(both).size() == 2);
}

TEST_CASE("a kernel for one hidden size takes what was found for its class, unless it has its own", "[records]") {
    const Made made;
    made.directory.write("m.json", manifest(R"({"op": "rms_norm_forward", "x": "f32", "weight": "x", "hidden": 96})"));
    const json of_class = made.record(16, 64, {90, 1, 100});
    CHECK(contains(made.origin(made.set("class", {of_class})), " for " + tuned_kernel + ": 0.900 of the default's"));
    const json own = made.of_kernel(made.record(16, 128, {80, 1, 100}),
                                    R"({"op": "rms_norm_forward", "x": "f32", "weight": "x", "hidden": 96})");
    CHECK(contains(made.origin(made.set("own", {of_class, own})), ": 0.800 of the default's time"));
}

TEST_CASE("where its class is faster, a kernel for one hidden size is compiled as that", "[records]") {
    const Made made;
    const std::string line = R"({"op": "rms_norm_forward", "x": "f32", "weight": "x", "hidden": 96})";
    json record = made.of_kernel(made.record(16, 32, {80, 1, 100}), line);
    record["knobs"]["as_class"] = 1;
    made.directory.write("m.json", manifest(line));
    const std::string set = made.set("as-class", {record}), file = made.directory / "kernel.stmt";
    CHECK(contains(made.origin(set), ": 0.800 of the default's time"));
    const std::string extent = "x.extent.0";  // known to a kernel for one size
    for (const std::string &records : {std::string("none"), set}) {
        REQUIRE(
            normagen("compile --kernel rms_norm_forward.x_f32.w_f32.y_f32.fp32_once.96 --target slow --target-files " +
                     made.directory / "targets" + " --stage stmt -o " + file + " --records " + records)
                .status == 0);
        CHECK(contains(read(file), extent) == (records == set));
    }
    const std::string tried = normagen("tune --list --no-autoschedulers --target slow --shapes 16x96 --manifest " +
                                       made.directory / "m.json" + " --target-files " + made.directory / "targets")
                                  .out;
    CHECK(contains(tried, R"("as_class":1)"));
    CHECK_FALSE(contains(normagen(tune_command(made.directory, "--list --no-autoschedulers")).out, "as_class"));
}

TEST_CASE("the report shows how good the search was at each moment, where all candidates are known", "[records]") {
    const Made made;
    std::vector<json> records;
    const auto add = [&](int candidate, double ns, int rung, int second) {
        json record = made.record(16, 32, {ns, 1, 100});
        record["knobs"]["strip"] = candidate;
        record["rung"] = rung;
        record["final"] = rung == 2;
        record["date"] = "2026-01-01T00:00:" + std::string(second < 10 ? "0" : "") + std::to_string(second) + "Z";
        records.push_back(record);
    };
    for (int candidate = 0; candidate < 8; candidate++) {
        add(candidate, 90.0 + candidate, 0, candidate);
        add(candidate, 90.0 + candidate, 2, 8 + candidate);
    }
    const std::string page = made.directory / "report.html";
    const auto report = [&](const std::vector<json> &of) {
        REQUIRE(made.run("report", made.set("all", of), "--out " + page).status == 0);
        return read(page);
    };
    const std::string all = report(records);
    CHECK(contains(all, "chosen so far"));
    CHECK(contains(all, "in random order"));
    const std::string file = made.directory / "curves.csv";
    const auto curves = [&](const std::vector<json> &of) {
        REQUIRE(made.run("curves", made.set("all", of), "--out " + file).status == 0);
        return lines(read(file));
    };
    const std::vector<std::string> points = curves(records);
    REQUIRE(points.size() > 10);
    CHECK(points[0] == "device,target,kernel,order,seconds,to_default");
    // The best candidate is the first to be measured; in random order there must be all.
    CHECK(contains(points[1], ",slow," + tuned_kernel + ",search,0.0,0.9000"));
    CHECK(contains(points[2], ",search,15.0,0.9000"));
    CHECK(contains(points.back(), ",random,8.0,0.9000"));
    records.pop_back();
    CHECK_FALSE(contains(report(records), "in random order"));
    CHECK(curves(records).size() == 1);
}

TEST_CASE("a library may be made of records from any CPU", "[records]") {
    const Made made;
    json record = made.record(16, 64, {90, 1, 100});
    record["device"]["cpu"] = R"(Zen "4" \n %s {} ?)"
                              "?/ \xf0\x9f\x98\x80"
                              "7";  // a trigraph and an emoji
    const std::string set = made.set("named", {record}), out = made.directory / "out";
    const Result compiled =
        normagen("compile --target slow --manifest " + made.directory / "m.json" + " --target-files " +
                 made.directory / "targets" + " --records " + set + " --out " + out);
    INFO(compiled.err);
    REQUIRE(compiled.status == 0);
    CHECK(contains(read(out + "/registry.cpp"), R"( on Zen \"4\" \\n %s {} \077\077/ \360\237\230\2007, )"));
    CHECK(contains(json::parse(read(out + "/manifest.lock.json")).at("kernels")[0].at("origin"),
                   record.at("device").at("cpu").get<std::string>()));
    const Result built = shell("c++ -std=c++17 -fsyntax-only -Wall -Wextra -Werror -I " + source + " -I " + source +
                               "/runtime/include -isystem " HALIDE_INCLUDE " " + out + "/registry.cpp");
    INFO(built.err);
    CHECK(built.status == 0);
}

TEST_CASE("ties go to the fixed order, and the latest record of a trial counts", "[records]") {
    const Made made;
    json farther = made.record(16, 64, {90.0, 1, 100});
    farther["knobs"]["strip"] = 7;
    json nearer = made.record(16, 64, {90.3, 1, 100});
    CHECK(contains(made.run("best", made.set("tie", {farther, nearer})).out, "    store_lanes 32 -> 64\n"));
    const json later_date = nearer.at("date");
    nearer["date"] = "2020-01-01T00:00:00Z";
    json later = nearer;
    later["date"] = later_date;
    later["ns"] = 99.5;
    later["interval"] = {99, 101};
    CHECK(contains(made.run("best", made.set("late", {later, nearer})).out, "default"));
    CHECK(contains(made.origin(made.set("late", {later, nearer})), "default, record "));
    // A date that has not come decides nothing.
    json never = later;
    never["date"] = "2999-01-01T00:00:00Z";
    std::string err;
    CHECK(made.origin(made.set("never", {never, nearer}), &err).rfind("record ", 0) == 0);
    CHECK(contains(err, "date is \"2999-01-01T00:00:00Z\", which has not come"));
}

TEST_CASE("a kernel takes what was found for another of its family, or tries it first", "[records]") {
    const Made made;
    const std::string set = made.set("found", {made.record(16, 128, {90, 1, 100})});
    auto first_tried = [&](const std::string &more) {
        const Result listed =
            normagen(tune_command(made.directory, "--list --no-autoschedulers --candidates 1 " + more));
        INFO(listed.err);
        REQUIRE_FALSE(lines(listed.out).empty());
        return json::parse(lines(listed.out).back()).at("knobs");
    };
    CHECK(first_tried("").at("store_lanes") != 128);
    CHECK(first_tried("--seed " + set).at("store_lanes") == 128);

    const std::string no_weight = R"({"op": "rms_norm_forward", "x": "f32"})";
    made.directory.write("m.json", manifest(no_weight));
    CHECK(contains(made.origin(set), " for " + tuned_kernel + ": 0.900 of the default's time"));
    made.directory.write("m.json", manifest(R"({"op": "rms_norm_forward", "x": "bf16", "weight": "x"})"));
    CHECK(made.origin(set) == "default");

    const std::string list =
        "tune --list --no-autoschedulers --candidates 1 --target slow --shapes 16x512 --manifest " +
        made.directory / "m.json" + " --target-files " + made.directory / "targets ";
    made.directory.write("m.json", manifest(no_weight + R"(, {"op": "rms_norm_forward", "x": "f32", "weight": "x"})"));
    const std::string one = normagen(list).out, both = normagen(list + " --every").out;
    CHECK(lines(both).size() == 2 * lines(one).size());
    CHECK(contains(one, tuned_kernel));
}

TEST_CASE("what is worth a thread comes from trials on several, beside the other knobs", "[records]") {
    const Made made;
    auto on_threads = [&](int rows, int elements, const Times &times) {
        json record = made.record(rows, 32, times);
        record["threads"] = 2;
        record["knobs"] = record.at("default_knobs");
        record["knobs"]["grain_size"] = elements;
        return record;
    };
    const json code = made.record(16, 64, {90, 1, 100}), wins = on_threads(16, 8192, {80, 1, 100});
    const std::string both = made.origin(made.set("both", {code, wins, on_threads(32, 8192, {100, 1, 100})}));
    CHECK(both.rfind("record ", 0) == 0);
    CHECK(contains(both, "; 8192 elements a thread, record "));
    CHECK(made.origin(made.set("alone", {wins})).rfind("default; 8192 elements a thread, record ", 0) == 0);
    CHECK(contains(made.run("explain", made.set("alone", {wins}), "--kernel " + tuned_kernel).out,
                   "16x512 on 2 threads on "));
    for (const std::vector<json> &losers :
         {std::vector<json>{wins, on_threads(32, 8192, {105, 1, 100})}, {on_threads(16, 8192, {99.5, 1, 100})}}) {
        CHECK(made.origin(made.set("loses", losers)) == "default");
    }
    // Of any kernel of the op and type of x.
    json other = made.of_kernel(wins, R"({"op": "rms_norm_forward", "x": "f32", "residual": "x", "hidden": "64n"})");
    CHECK(contains(made.origin(made.set("other", {other})), " for rms_norm_forward.x_f32.r_f32"));
    other = made.of_kernel(wins, R"({"op": "rms_norm_forward", "x": "bf16", "hidden": "64n"})");
    CHECK(made.origin(made.set("other", {other})) == "default");
    const std::string pruned = made.set("pruned", {code, wins});
    REQUIRE(made.run("prune", pruned, "--finalists 1").status == 0);
    CHECK(records_in(pruned).size() == 2);
}

TEST_CASE("stale records and broken lines are skipped, and said to be", "[records]") {
    const Made made;
    const json good = made.record(16, 64, {90, 1, 100});
    const std::vector<std::pair<std::string, std::string>> stale = {
        {R"({"lowered": ")" + std::string(32, '0') + R"("})", "the code of its default has changed"},
        {R"({"halide": "20.0.0"})", "measured with Halide 20.0.0, this is "},
        {R"({"default_knobs": {"rows": 3}})", "the target's own knobs have changed"}};
    for (const auto &[patch, why] : stale) {
        json record = good;
        record.merge_patch(json::parse(patch));
        std::string err;
        CHECK(made.origin(made.set("stale", {record, record}), &err) == "default");
        CHECK(contains(err, "2 stale records skipped: " + why));
    }
    json gone = good;
    gone["target"] = "gone";
    std::string nothing;
    CHECK(made.origin(made.set("gone", {gone}), &nothing) == "default");
    CHECK(nothing.empty());
    const std::string set = made.set("broken", {good});
    std::ofstream(set + "/slow/rms_norm_forward.jsonl", std::ios::app) << good.dump().substr(0, 100) << "\n{}\n";
    std::string err;
    CHECK(made.origin(set, &err).rfind("record ", 0) == 0);
    CHECK(contains(err, "rms_norm_forward.jsonl:2: no record, skipped: "));
    CHECK(contains(err, "rms_norm_forward.jsonl:3: no record, skipped: "));
}

TEST_CASE("sets are merged in any order to the same bytes, compared, and pruned", "[records]") {
    const Made made;
    const json a = made.record(16, 64, {90, 1, 100}), b = made.record(16, 128, {80, 1, 100});
    const std::string one = made.set("one", {a}), other = made.set("other", {b, a});
    REQUIRE(normagen("records merge " + one + " " + other + " --out " + made.directory / "ab").status == 0);
    REQUIRE(normagen("records merge " + other + " " + one + " --out " + made.directory / "ba").status == 0);
    const std::string file = "/slow/rms_norm_forward.jsonl";
    CHECK(read(made.directory / "ab" + file) == read(made.directory / "ba" + file));
    CHECK(lines(read(made.directory / "ab" + file)).size() == 2);

    const Result diff = made.run("diff", one, other);
    INFO(diff.out << diff.err);
    CHECK(contains(diff.out, "slow " + tuned_kernel + " on "));
    CHECK(contains(diff.out, "(0.800)"));
    CHECK(made.run("diff", one, one).out.empty());
    // Sets are judged together, without a word on single kernels.
    const Result gained = made.run("gains", one + " " + other);
    CHECK(contains(gained.out, "slow            rms_norm_forward           1       1              0.800"));
    CHECK_FALSE(contains(gained.out, tuned_kernel));

    json stale = a, later = a;
    stale["lowered"] = std::string(32, '0');
    stale["date"] = later["date"] = "2020-01-01T00:00:00Z";
    const std::string pruned = made.set("pruned", {a, later, stale, b});
    CHECK(contains(made.run("prune", pruned).out, "2 of 4 records are left"));
    CHECK(records_in(pruned).size() == 2);
    const std::string of_target = made.set("of_target", {a, later}) + "/slow";
    CHECK(contains(made.run("prune", of_target).out, "1 of 2 records are left"));
    CHECK(lines(read(of_target + "/rms_norm_forward.jsonl")).size() == 1);
    json brief = a;
    brief["final"] = false;
    const std::string finalists = made.set("finalists", {a, b, brief, made.record(16, 32, {95, 1, 100})});
    CHECK(contains(made.run("prune", finalists, "--finalists 2").out, "2 of 4 records are left"));
    CHECK(made.run("diff", other, finalists).out.empty());
    check_refused(made.run("best", made.directory / "none"), "does not exist; expected a file or directory of records");
    check_refused(made.run("explain", one, "--kernel x"), "no final record of --kernel \"x\"");
    check_refused(normagen("list --manifest " + minimal + " --records " + made.directory / "none"),
                  "expected a directory of records, or none");
}

TEST_CASE("records are exported in the format of other autotuners", "[records]") {
    const Made made;
    const std::map<std::string, std::string> failures = {{"killed at its time limit of 3 s", "timeout"},
                                                         {"killed by signal 11", "runtime"},
                                                         {"the kernel returned 7", "runtime"},
                                                         {"wrong: y row 0 element 0 is 0", "correctness"},
                                                         {"LLVM: no", "compile"}};
    std::vector<json> records = {made.record(16, 64, {2000, 1, 4000})};
    for (const auto &[why, word] : failures) {
        json failed = made.record(32, 64 << records.size(), {1, 0, 1});
        failed["status"] = "failed";
        failed["why"] = why;
        records.push_back(failed);
    }
    const std::string set = made.set("exported", records), out = made.directory / "t4.json";
    const Result exported = made.run("export", set, "--out " + out);
    INFO(exported.err);
    REQUIRE(exported.status == 0);
    const json t4 = json::parse(read(out));
    CHECK(t4.at("schema_version") == "1.0.0");
    REQUIRE(t4.at("results").size() == records.size());
    const json first = t4.at("results")[0];
    CHECK(first.at("invalidity") == "correct");
    CHECK(first.at("correctness") == 1);
    CHECK(first.at("times").at("runtimes") == json({0.002}));
    CHECK(first.at("configuration").at("store_lanes") == 64);
    CHECK(first.at("configuration").at("rows") == 1);  // the knob
    CHECK(first.at("configuration").at("shape") == "16x512");
    CHECK(first.at("configuration").at("kernel") == tuned_kernel);
    size_t i = 1;
    for (const auto &[why, word] : failures) {
        CHECK(t4.at("results")[i].at("invalidity") == word);
        CHECK(t4.at("results")[i++].at("correctness") == 0);
    }
    check_refused(made.run("export", set), "--out is required");
}

TEST_CASE("no kernel of the default library was slower than its default where it was tuned", "[records]") {
    const Result listed = normagen("list --json --target all --manifest " + source + "/manifests/default.json");
    REQUIRE(listed.status == 0);
    std::map<std::string, std::vector<json>> trials;
    const auto name = [](const json &record, const json &kernel) {
        return record.at("target").dump() + kernel.dump() + record.at("strategy").dump() + record.at("knobs").dump();
    };
    for (const json &record : records_in(source + "/schedules/records")) {
        trials[name(record, record.at("variant"))].push_back(record);
    }
    size_t tuned = 0;
    const json list = json::parse(listed.out);
    for (const json &kernel : list.at("kernels")) {
        for (const json &record : trials[name(kernel, kernel.at("name"))]) {
            tuned++;
            INFO(record);
            CHECK(record.at("status") == "ok");
            CHECK(record.at("promises") == true);
            CHECK(record.at("bits") == "same");
            CHECK(record.at("interval")[0] <= record.at("default_interval")[1]);
        }
    }
    if (tuned == 0) {  // until they are measured anew
        WARN("the records are stale: " << listed.err);
    }
}

TEST_CASE("the schema names the keys of a record", "[records]") {
    const Made made;
    const json schema = json::parse(read(source + "/schedules/records/schema.json"));
    const json record = made.record(16, 64, {90, 1, 100});
    std::set<std::string> required, known;
    for (const json *list : {&schema.at("required"), &schema.at("then").at("required")}) {
        required.insert(list->begin(), list->end());
    }
    for (const auto &[key, value] : record.items()) {
        CHECK(schema.at("properties").contains(key));
        known.insert(key);
    }
    CHECK(required == known);
}
