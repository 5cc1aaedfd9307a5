// SPDX-License-Identifier: MIT
// Which kernels have the same hash: those of the same code, whatever it calls its variables, and no others.
#include "generators/codegen/lowered_hash.h"

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "generators/codegen/targets.h"
#include "tests/support/catch.h"

using namespace norma;
using namespace Halide::Internal;
using Halide::Expr;
using Halide::Type;

namespace {

LoweredKernel kernel_of(const Stmt &body) {
    LoweredKernel kernel{Halide::Module("kernel", Halide::Target("x86-64-linux")), "", {}, {}};
    const Halide::Argument output("y", Halide::Argument::OutputBuffer, Halide::Float(32), 1, {});
    kernel.module.append(
        LoweredFunc("kernel", std::vector<Halide::Argument>{output}, body, Halide::LinkageType::External));
    return kernel;
}

std::string hash(const Stmt &body) { return lowered_hash(kernel_of(body)); }

Stmt store(const Expr &value, const Expr &index = 0, const std::string &name = "y",
           const ModulusRemainder &alignment = {}) {
    return Store::make(name, value, index, Halide::Parameter(), const_true(index.type().lanes()), alignment);
}

Expr load(const std::string &name, const ModulusRemainder &alignment = {}) {
    return Load::make(Halide::Float(32), name, 0, Halide::Buffer<>(), Halide::Parameter(), const_true(), alignment);
}

Expr variable(const std::string &name) { return Variable::make(Halide::Int(32), name); }

Expr call(const std::string &name, Call::CallType type) {
    return Call::make(Halide::Float(32), name, {Expr(1.5f), Expr(2.5f)}, type);
}

// A loop with an allocation, two lets and a produced buffer, under these names.
Stmt named(const std::string &loop, const std::string &a, const std::string &b, const std::string &memory,
           const std::string &stored) {
    Stmt body = Block::make(store(1.5f, variable(stored), memory), Free::make(memory));
    body = LetStmt::make(b, variable(loop) + 2, ProducerConsumer::make_produce(memory, body));
    body = LetStmt::make(a, variable(loop) + 1, body);
    body = Allocate::make(memory, Halide::Float(32), Halide::MemoryType::Stack, {8}, const_true(), body);
    return For::make(loop, 0, 4, ForType::Serial, Halide::Partition::Auto, Halide::DeviceAPI::None, body);
}

Stmt loop(ForType type) {
    return For::make("i", 0, 4, type, Halide::Partition::Auto, Halide::DeviceAPI::None, store(1.5f, variable("i")));
}

Stmt allocation(Halide::MemoryType memory, const Type &type, int padding) {
    return Allocate::make("a", type, memory, {8}, const_true(), store(1.5f), Expr(), "", padding);
}

KernelSpec spec(const std::string &variant, const nlohmann::json &knobs = {}) {
    static const std::vector<TargetFile> targets = read_targets(NORMA_SOURCE_DIR "/schedules/targets");
    KernelSpec result = default_spec(parse_name(variant), find_target(targets, "x86-64-v3", "target"));
    result.knobs.update(knobs.is_null() ? nlohmann::json::object() : knobs);
    return result;
}

std::string hash(const std::string &variant, const nlohmann::json &knobs = {}) {
    return lowered_hash(lower_kernel(spec(variant, knobs)));
}

const std::string plain = "rms_norm_forward.x_f32.y_f32.fp32_once.64n";

}  // namespace

TEST_CASE("names that the code declares do not count", "[lowered]") {
    const std::string first = hash(named("i", "a", "b", "m", "a"));
    CHECK(first.size() == 32);
    CHECK(hash(named("row", "t27", "t3", "sum$2", "t27")) == first);
    CHECK(hash(named("i", "a", "b", "m", "b")) != first);
    CHECK(hash(named("i", "b", "a", "m", "a")) != first);
    // Others do: here they mean something outside.
    CHECK(hash(store(variable("a"))) != hash(store(variable("b"))));
}

TEST_CASE("all else counts, also what Halide's printer leaves out", "[lowered]") {
    const std::vector<std::pair<std::string, std::vector<Stmt>>> differ = {
        {"a constant's last digit", {store(1.0000001f), store(1.0000002f), store(-0.0f), store(0.0f)}},
        {"a constant's type",
         {store(1), store(Expr((int64_t)1)), store(Expr((uint32_t)1)), store(1.0f),
          store(make_const(Halide::Float(64), 1.0))}},
        {"a conversion's type",
         {store(Halide::cast<float>(variable("a"))), store(Halide::cast<double>(variable("a"))),
          store(Halide::reinterpret<float>(variable("a")))}},
        {"a variable's type", {store(variable("a")), store(Variable::make(Halide::UInt(32), "a"))}},
        {"an operation", {store(variable("a") + 1), store(variable("a") - 1), store(min(variable("a"), 1))}},
        {"the order of operands", {store(variable("a") - variable("b")), store(variable("b") - variable("a"))}},
        {"an intrinsic",
         {store(call("strict_add", Call::PureIntrinsic)), store(call("strict_sub", Call::PureIntrinsic)),
          store(call("strict_add", Call::PureExtern)), store(call("strict_add", Call::Extern))}},
        {"a string", {Evaluate::make(StringImm::make("a")), Evaluate::make(StringImm::make("b"))}},
        {"an alignment",
         {store(load("x")), store(load("x", {8, 0})), store(load("x", {8, 4})), store(load("x"), 0, "y", {8, 0})}},
        {"the lanes of a vector",
         {store(Broadcast::make(1.5f, 4), Ramp::make(0, 1, 4)), store(Broadcast::make(1.5f, 8), Ramp::make(0, 1, 8)),
          store(Broadcast::make(1.5f, 4), Ramp::make(0, 2, 4))}},
        {"a shuffle",
         {Evaluate::make(Shuffle::make({Ramp::make(0, 1, 4)}, {0, 1})),
          Evaluate::make(Shuffle::make({Ramp::make(0, 1, 4)}, {1, 0}))}},
        {"a loop's kind", {loop(ForType::Serial), loop(ForType::Unrolled), loop(ForType::Parallel)}},
        {"an allocation",
         {allocation(Halide::MemoryType::Stack, Halide::Float(32), 0),
          allocation(Halide::MemoryType::Heap, Halide::Float(32), 0),
          allocation(Halide::MemoryType::Stack, Halide::Float(16), 0),
          allocation(Halide::MemoryType::Stack, Halide::Float(32), 1)}},
        {"a branch",
         {IfThenElse::make(variable("a") > 0, store(1.5f)),
          IfThenElse::make(variable("a") > 0, store(1.5f), store(2.5f)), store(1.5f)}},
    };
    for (const auto &[what, bodies] : differ) {
        INFO(what);
        std::set<std::string> hashes;
        for (const Stmt &body : bodies) {
            hashes.insert(hash(body));
            CHECK(hashes.count(hash(body)) == 1);
        }
        CHECK(hashes.size() == bodies.size());
    }
}

TEST_CASE("a kernel's promises, its PTX and what assembles it count", "[lowered]") {
    const std::function<void(LoweredKernel &)> changes[] = {
        [](LoweredKernel &) {},
        [](LoweredKernel &kernel) { kernel.compiled.arguments.emplace_back("x"); },
        [](LoweredKernel &kernel) { kernel.compiled.workspace_per_element = 4; },
        [](LoweredKernel &kernel) { kernel.compiled.alignment = 16; },
        [](LoweredKernel &kernel) { kernel.compiled.threads = 128; },
        [](LoweredKernel &kernel) { kernel.sms.push_back(90); },
        [](LoweredKernel &kernel) { kernel.ptx += "\tret;\n"; },
    };
    std::set<std::string> hashes;
    for (const auto &change : changes) {
        LoweredKernel kernel = kernel_of(store(1.5f));
        kernel.ptx = ".visible .entry k(\n";
        change(kernel);
        hashes.insert(lowered_hash(kernel));
    }
    CHECK(hashes.size() == std::size(changes));
}

TEST_CASE("an entry of PTX may have any name, which its host code calls it by", "[lowered]") {
    auto with_entry = [](const std::string &name, const std::string &called, const std::string &comment) {
        LoweredKernel kernel = kernel_of(Evaluate::make(StringImm::make(called)));
        kernel.ptx =
            ".visible .entry " + name + "(\n\t.param .u64 " + name + "_param_0\n)\n{\n\tret; // " + comment + "\n}\n";
        return lowered_hash(kernel);
    };
    const std::string first = with_entry("_kernel_y", "_kernel_y", "of y");
    CHECK(with_entry("_kernel_z", "_kernel_z", "of z") == first);
    CHECK(with_entry("_kernel_y", "_kernel_z", "of y") != first);
}

TEST_CASE("what else was lowered in the process changes no hash", "[lowered]") {
    const std::string first = hash(plain);
    hash("layer_norm_forward.x_bf16.y_bf16.fp32_once.64n");
    hash(plain, {{"lanes", 32}});
    CHECK(hash(plain) == first);
}

TEST_CASE("variants, and knobs that decide code, have hashes of their own", "[lowered]") {
    std::set<std::string> hashes = {hash(plain), hash(plain, {{"lanes", 32}}), hash(plain, {{"store_lanes", 128}})};
    for (const char *variant :
         {"rms_norm_forward.x_f32.y_f32.fp32_once.any", "rms_norm_forward.x_f32.w_f32.y_f32.fp32_once.64n",
          "rms_norm_forward.x_f16.y_f16.fp32_once.64n", "layer_norm_forward.x_f32.y_f32.fp32_once.64n"}) {
        hashes.insert(hash(variant));
    }
    CHECK(hashes.size() == 7);
}

TEST_CASE("code that a target leaves to its parent is what it would compile itself", "[lowered]") {
    const std::vector<TargetFile> targets = read_targets(NORMA_SOURCE_DIR "/schedules/targets");
    for (const auto &[name, variants] : std::map<std::string, std::vector<std::string>>{
             {"x86-64-v4-bf16",
              {"layer_norm_forward.x_f32.w_f32.b_f32.y_f32.fp32_once.any", "rms_norm_backward.x_f16.y_f16.hf.64n",
               "rms_norm_forward.x_f16.y_i8.q_row.fp32_once.any"}},
             {"aarch64-fp16", {"rms_norm_forward.x_f32.w_f32.y_f32.fp32_once.any"}}}) {
        const TargetFile &target = find_target(targets, name, "target");
        for (const std::string &variant : variants) {
            INFO(variant);
            const KernelSpec parents = default_spec(parse_name(variant), target);
            CHECK(parents.target.name == target.parent);
            KernelSpec own = parents;
            own.target = target.spec;
            own.target.name = target.parent;  // which is in symbols
            own.knobs = target.spec.knobs.at(own.strategy);
            CHECK(own.knobs != parents.knobs);
            CHECK(canonical_form(lower_kernel(own)) == canonical_form(lower_kernel(parents)));
        }
    }
}
