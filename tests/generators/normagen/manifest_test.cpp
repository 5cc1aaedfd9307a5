// SPDX-License-Identifier: MIT
// Manifests: what they expand to, and how each wrong one is refused.
#include "tests/support/normagen.h"

#include <map>
#include <set>

namespace {

std::vector<std::string> expand(const std::string &kernels) {
    Directory d;
    const Result result = normagen("list --manifest " + d.write("m.json", manifest(kernels)));
    INFO(result.err);
    REQUIRE(result.status == 0);
    std::vector<std::string> names = lines(result.out);
    REQUIRE_FALSE(names.empty());
    CHECK(contains(names.back(), std::to_string(names.size() - 1) + " kernels"));
    names.pop_back();
    return names;
}

}  // namespace

TEST_CASE("an entry expands to the product of its lists, each kernel once", "[normagen]") {
    using Names = std::vector<std::string>;
    CHECK(expand(R"({"op": "rms_norm_forward", "x": "f32"})") == Names{"rms_norm_forward.x_f32.y_f32.fp32_once.any"});
    CHECK(
        expand(R"({"op": "layer_norm_forward", "x": "bf16", "y": "f32", "weight": "x", "bias": "f32", "residual": "f16",
                     "contract": "fp32_once", "hidden": "64n"})") ==
        Names{"layer_norm_forward.x_bf16.w_bf16.b_f32.r_f16.y_f32.fp32_once.64n"});
    CHECK(expand(
              R"({"op": "rms_norm_forward", "x": "f16", "weight": "f32", "contract": "hf", "hidden": [768, "any"]})") ==
          Names{"rms_norm_forward.x_f16.w_f32.y_f16.hf.768", "rms_norm_forward.x_f16.w_f32.y_f16.hf.any"});
    // x's type is f32 already: one kernel.
    CHECK(expand(R"({"op": "rms_norm_forward", "x": "f32", "weight": ["x", "f32"]})").size() == 1);
    CHECK(expand(R"({"op": "rms_norm_forward", "x": "f32"}, {"op": "rms_norm_forward", "x": "f32"})").size() == 1);
}

TEST_CASE("kernels for data of any alignment are made where an entry asks, but for what takes it anyway",
          "[normagen]") {
    Directory d;
    const std::string out =
        normagen("list --manifest " + d.write("m.json", manifest(R"({"device": "cuda", "op": "rms_norm_forward",
                 "x": "f32", "alignment": ["natural", "any"], "hidden": [768, "any"]})")))
            .out;
    CHECK(contains(out, "rms_norm_forward.x_f32.y_f32.fp32_once.768 on CUDA\n"));
    CHECK(contains(out, "rms_norm_forward.x_f32.y_f32.a_any.fp32_once.768 on CUDA\n"));
    CHECK(contains(out, "\n3 kernels for each of"));
}

TEST_CASE("a product leaves out what is impossible", "[normagen]") {
    // "weight" is no type for a bias without weight; a type by name is.
    CHECK(expand(R"({"op": "layer_norm_forward", "x": "f32", "weight": ["none", "x"], "bias": "weight"})").size() == 1);
    CHECK(expand(R"({"op": "layer_norm_forward", "x": "f32", "weight": ["none", "x"], "bias": "f32"})").size() == 2);
    CHECK(expand(R"({"op": ["layer_norm_forward", "rms_norm_forward"], "x": "f32", "weight": "x", "contract": "hf"})")
              .size() == 1);
    CHECK(expand(R"({"op": "rms_norm_forward", "x": "f32", "bias": ["none", "x"], "contract": ["fp32_once", "hf"]})")
              .size() == 3);
}

TEST_CASE("a wrong manifest is refused in one line that names the place", "[normagen]") {
    struct Case {
        std::string text, message;
    };
    const std::string head = R"({"schema": 1, "name": "test", "kernels": )";
    auto entry = [&](const std::string &fields) { return manifest(R"({"op": "rms_norm_forward", )" + fields + "}"); };
    const std::vector<Case> cases = {
        {"{", "not JSON"},
        {"", "not JSON"},
        {"[1]", "[1] is not an object"},
        {"null", "null is not an object"},
        {std::string(100000, '['), "nested more than"},
        {R"({"name": "a", "kernels": []})", "\"schema\" is missing"},
        {R"({"schema": 2, "name": "a", "kernels": []})", "schema: 2 is not"},
        {R"({"schema": "1", "name": "a", "kernels": []})", "schema: \"1\" is not"},
        {R"({"schema": 1, "kernels": []})", "\"name\" is missing"},
        {R"({"schema": 1, "name": 7, "kernels": []})", "name: 7 is not a string"},
        {R"({"schema": 1, "name": "", "kernels": []})", "name: \"\" is no name of a library; expected 1 to 64 ASCII"},
        {R"({"schema": 1, "name": "a b", "kernels": []})", "name: \"a b\" is no name of a library"},
        {R"({"schema": 1, "name": "../a", "kernels": []})", "name: \"../a\" is no name of a library"},
        {R"({"schema": 1, "name": "-a", "kernels": []})", "a letter or digit first"},
        {R"({"schema": 1, "name": ")" + std::string(65, 'a') + R"(", "kernels": []})", "expected 1 to 64 ASCII"},
        {R"({"schema": 1, "name": "a"})", "\"kernels\" is missing"},
        {head + "[]}", "kernels: [] is not a list of at least one value"},
        {head + "{}}", "kernels: {} is not a list"},
        {head + "[3]}", "kernels[0]: 3 is not an object"},
        {R"({"schema": 1, "name": "a", "colour": 1, "kernels": []})", "unknown key \"colour\"; expected one of"},
        {R"({"schema": 1, "name": "a", "name": "b", "kernels": []})", "key \"name\" is there twice"},
        {R"({"schema": 1, "name": "a", "targets": ["x86-64-v9"], "kernels": [{"op": "rms_norm_forward", "x": "f32"}]})",
         "m.json: targets[0]: \"x86-64-v9\" is not a target; expected one of"},
        {R"({"schema": 1, "name": "a", "targets": [], "kernels": []})", "targets: [] is not a list"},
        {manifest(R"({"x": "f32"})"), "kernels[0]: \"op\" is missing"},
        {manifest(R"({"op": "rms_norm_forward"})"), "kernels[0]: \"x\" is missing"},
        {manifest(R"({"op": "batch_norm", "x": "f32"})"),
         "kernels[0].op: \"batch_norm\" is not an op; expected one of"},
        {entry(R"("x": "f33")"), "kernels[0].x: \"f33\" is not a type of x; expected one of f32, f16, bf16"},
        {entry(R"("x": ["f32", "none"])"), "kernels[0].x[1]: \"none\" is not a type"},
        {entry(R"("x": [])"), "kernels[0].x: [] is not a list of at least one value"},
        {entry(R"("x": null)"), "kernels[0].x: null is not a type"},
        {entry(R"("x": [["f32"]])"), "kernels[0].x[0]: [\"f32\"] is not a type"},
        {entry(R"("x": "f32", "y": "none")"), "kernels[0].y: \"none\" is not a type of y"},
        {entry(R"("x": "f32", "weight": "f64")"), "kernels[0].weight: \"f64\" is not"},
        {entry(R"("x": "f32", "weight": "weight")"), "kernels[0].weight: \"weight\" is not"},
        {entry(R"("x": "f32", "bias": true)"), "kernels[0].bias: true is not"},
        {entry(R"("x": "f32", "residual": "weight")"), "kernels[0].residual: \"weight\" is not"},
        {entry(R"("x": "f32", "contract": "fast")"), "kernels[0].contract: \"fast\" is not a contract"},
        {entry(R"("x": "f32", "hidden": "65n")"), "kernels[0].hidden: \"65n\" is not a hidden size class"},
        {entry(R"("x": "f32", "hidden": "an integer")"), "kernels[0].hidden: \"an integer\" is not"},
        {entry(R"("x": "f32", "hidden": 0)"), "kernels[0].hidden: 0 is not an integer from 1"},
        {entry(R"("x": "f32", "hidden": -1)"), "kernels[0].hidden: -1 is not"},
        {entry(R"("x": "f32", "hidden": 1.5)"), "kernels[0].hidden: 1.5 is not"},
        {entry(R"("x": "f32", "hidden": 18446744073709551615)"), "kernels[0].hidden: 18446744073709551615 is not"},
        {entry(R"("x": "f32", "device": "tpu")"),
         "kernels[0].device: \"tpu\" is not a device; expected one of cpu, cuda"},
        {entry(R"("x": "f32", "alignment": "any")"), "kernels[0].alignment: is for device cuda"},
        {entry(R"("x": "f32", "device": "cuda", "alignment": 16)"), "kernels[0].alignment: 16 is not an alignment"},
        {entry(R"("x": "f32", "device": "cuda", "alignment": "any")"),
         "kernels[0]: alignment is any; expected natural for every hidden size"},
        {entry(R"("x": "f32", "eps": 1)"), "kernels[0]: unknown key \"eps\"; expected one of op, x, y"},
        {entry(R"("x": "f32", "bias": "weight")"), "kernels[0]: bias is weight; expected one, but there is no weight"},
        {entry(R"("x": "f32", "bias": "x", "contract": "hf")"),
         "kernels[0]: bias is f32; expected none with contract hf"},
        {entry(R"("x": "f32", "y": "i8")"), "kernels[0]: scale is none; expected one for y in i8"},
        {entry(R"("x": "f32", "scale": "row")"), "kernels[0]: scale is row; expected none for y in f32"},
        {entry(R"("x": "f32", "y": "i8", "scale": "row", "contract": "hf")"),
         "contract is hf; expected fp32_once with a quantized type, i8"},
        {entry(R"("x": "f32", "y": "i8", "scale": "row", "contract": "relaxed")"),
         "contract is relaxed; expected fp32_once with a quantized type, i8"},
        {entry(R"("x": "f32", "statistics": "merged", "contract": "relaxed")"),
         "contract is relaxed; expected fp32_once where statistics are merged"},
        {entry(R"("x": "f32", "contract": "relaxed", "strategy": "oracle")"),
         "kernels[0].strategy: \"oracle\" is not a strategy; expected one of cpu_rows, adams2019"},
        {entry(R"("x": "f32", "contract": "relaxed", "strategy": "cuda_rows")"),
         "kernels[0].strategy: \"cuda_rows\" is not a strategy"},
        {entry(R"("x": "f32", "contract": "relaxed", "device": "cuda", "strategy": "anderson2021")"),
         "kernels[0].strategy: \"anderson2021\" is not a strategy; expected one of cuda_rows"},
        {entry(R"("x": "f32", "contract": ["relaxed", "hf"], "strategy": "adams2019")"),
         "kernels[0].strategy: is adams2019 for rms_norm_forward.x_f32.y_f32.hf.any; expected contract relaxed"},
        {manifest(R"({"op": "rms_norm_forward", "x": "f32", "contract": "relaxed", "strategy": "li2018"},
                     {"op": "rms_norm_forward", "x": "f32", "contract": "relaxed", "strategy": "cpu_rows"})"),
         "kernels[1]: rms_norm_forward.x_f32.y_f32.relaxed.any has strategy cpu_rows, and li2018 above; expected one"},
        {manifest(R"({"op": "layer_norm_backward", "x": "f32", "contract": "relaxed"})"),
         "kernels[0]: contract is relaxed; expected fp32_once for layer_norm_backward"},
        {entry(R"("x": "f32", "y": "i8", "scale": "group_64", "hidden": 96)"),
         "hidden is 96; expected whole groups of 64"},
        {entry(R"("x": "f32", "y": "u8", "scale": "row")"), "scale is row; expected tensor for y in u8"},
        {entry(R"("x": "i32", "scale": "row")"), "y is i32; expected f32, f16, bf16, i8, f8_e4m3, f8_e5m2 or u8"},
        {entry(R"("x": "f32", "y_float": "f32")"),
         "y_float is f32; expected none for y in f32, which is not quantized"},
        {entry(R"("x": "f32", "y": "i8", "scale": "column")"), "kernels[0].scale: \"column\" is not a scale of y"},
        {entry(R"("x": "f32", "statistics": "recomputed")"),
         "statistics is recomputed; expected saved, partial or merged for a forward"},
        {entry(R"("x": "f32", "weight": "x", "statistics": "partial")"),
         "weight is f32; expected none where statistics is partial"},
        {entry(R"("x": "i8", "y": "f32", "statistics": "merged")"),
         "statistics is merged; expected saved where x is i8"},
        {manifest(R"({"op": "layer_norm_forward", "x": ["f32", "f16"], "contract": "hf"})"),
         "kernels[0]: contract is hf; expected fp32_once for layer_norm_forward"},
    };
    for (const Case &c : cases) {
        Directory d;
        INFO(c.text.substr(0, 200));
        const std::string path = d.write("m.json", c.text);
        check_refused(normagen("list --manifest " + path), c.message);
        const Result result = normagen("compile --target x86-64-v2 --manifest " + path + " --out " + d / "out");
        check_refused(result, c.message);
        CHECK_FALSE(fs::exists(d / "out"));
    }
    check_refused(normagen("list --manifest /nonexistent.json"), "/nonexistent.json: cannot read: No such file");
    check_refused(normagen("list --manifest /tmp"), "/tmp: cannot read: Is a directory");
}

TEST_CASE("the schema and the program know the same words", "[normagen]") {
    const json definitions = json::parse(read(source + "/manifests/schema.json")).at("definitions");
    auto expected = [](const std::string &err) {
        const std::string mark = "expected one of ";
        REQUIRE(contains(err, mark));
        return err.substr(err.find(mark) + mark.size());
    };
    auto listed = [](const json &words) {
        std::string text;
        for (const std::string word : words) {
            text += (text.empty() ? "" : ", ") + word;
        }
        return text;
    };
    auto before = [](const std::string &text, const std::string &end) { return text.substr(0, text.find(end)); };
    for (const auto &[field, unused] : definitions.at("entry").at("properties").items()) {
        (void)unused;
        json entry = {{"op", "rms_norm_forward"}, {"x", "f32"}};
        entry[field] = "?";
        Directory d;
        const Result result = normagen("list --manifest " + d.write("m.json", manifest(entry.dump())));
        const json &words = definitions.at(field);
        // An entry without a device is for CPUs.
        const std::string known = field == "hidden"     ? listed(words.at("anyOf")[0].at("enum")) + ", an integer"
                                  : field == "strategy" ? before(listed(words.at("enum")), ", cuda_rows")
                                                        : listed(words.at("enum"));
        CHECK(expected(result.err) == known + "\n");
    }
    Directory d;
    const Result result = normagen("list --manifest " + d.write("m.json", manifest(R"({"?": 1})")));
    const std::string keys = expected(result.err);
    CHECK((size_t)std::count(keys.begin(), keys.end(), ',') + 1 == definitions.at("entry").at("properties").size());
}

TEST_CASE("every committed manifest is right, and the default one has what it promises", "[normagen]") {
    for (const auto &entry : fs::directory_iterator(source + "/manifests")) {
        if (entry.path().filename() != "schema.json") {
            INFO(entry.path());
            const Result result = normagen("list --json --manifest " + entry.path().string());
            CHECK(result.status == 0);
            CHECK(result.err.empty());
        }
    }
    const json list = json::parse(normagen("list --json --manifest " + source + "/manifests/default.json").out);
    std::map<std::string, std::set<std::string>> names;
    for (const json &kernel : list.at("kernels")) {
        names[kernel.at("target")].insert(kernel.at("name").get<std::string>());
    }
    CHECK(names.size() == 6);
    for (const auto &[target, kernels] : names) {
        INFO(target);
        if (target.find("cuda") == 0) {
            CHECK(kernels.size() >= 70);
            continue;
        }
        CHECK(kernels.size() >= 200);
        CHECK(kernels.size() <= 378);
        for (const char *t : {"f32", "bf16"}) {
            const std::string x = std::string(".x_") + t, w = std::string(".w_") + t, b = std::string(".b_") + t,
                              r = std::string(".r_") + t, y = std::string(".y_") + t;
            for (const char *hidden : {".any", ".64n"}) {
                const std::string once = y + ".fp32_once" + hidden;
                CHECK(kernels.count("layer_norm_forward" + x + once) == 1);
                CHECK(kernels.count("layer_norm_forward" + x + w + once) == 1);
                CHECK(kernels.count("layer_norm_forward" + x + w + b + once) == 1);
                CHECK(kernels.count("layer_norm_forward" + x + w + b + r + once) == 1);
                CHECK(kernels.count("rms_norm_forward" + x + once) == 1);
                CHECK(kernels.count("rms_norm_forward" + x + w + once) == 1);
                CHECK(kernels.count("rms_norm_forward" + x + w + r + once) == 1);
                CHECK(kernels.count("rms_norm_forward" + x + w + b + once) == 1);
                CHECK(kernels.count("rms_norm_forward" + x + w + y + ".hf" + hidden) == 1);
                CHECK(kernels.count("rms_norm_forward" + x + w + r + y + ".hf" + hidden) == 1);
                CHECK(kernels.count("layer_norm_backward" + x + w + b + r + once) == 1);
                CHECK(kernels.count("rms_norm_backward" + x + w + r + once) == 1);
            }
        }
    }
}
