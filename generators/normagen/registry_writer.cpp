// SPDX-License-Identifier: MIT
#include "registry_writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <stdexcept>

#include "generators/codegen/device/device.h"
#include "generators/codegen/run_time.h"
#include "generators/codegen/targets.h"
#include "runtime/vocabulary/tensors.h"
#include "runtime/vocabulary/variant_name.h"
#include "tools/base/digest.h"
#include "tools/base/text.h"

namespace norma {

namespace {

// A C string literal of any bytes.
std::string quoted(const std::string &text) {
    std::string literal = "\"";
    for (const unsigned char c : text) {
        if (c == '"' || c == '\\') {
            literal += '\\';
        }
        literal += c >= ' ' && c <= '~' && c != '?' ? std::string(1, (char)c) : fmt::format("\\{:03o}", c);
    }
    return literal + '"';
}

std::string role(const std::string &argument) {
    if (find_role(argument.c_str()) < 0) {
        throw std::runtime_error("the runtime has no role for a kernel's argument \"" + argument + "\"");
    }
    return "Role::" + argument;
}

// Its members in their order.
std::string variant_initializer(const Variant &variant) {
    std::map<size_t, std::string> members;
    for (const Field &field : fields) {
        members[field.offset] = fmt::format("{}({})", field.type, value_of(variant, field));
    }
    std::vector<std::string> values;
    for (const auto &[offset, value] : members) {
        values.push_back(value);
    }
    const HiddenClass &hidden = variant.hidden;
    return fmt::format("{{{}, {{{}, {}, {}}}}}", fmt::join(values, ", "), hidden.multiple, hidden.exact, hidden.most);
}

// Most kernels share a few lists of arguments: each list is written once.
class ArgumentLists {
public:
    std::string name_of(const std::vector<std::string> &arguments) {
        auto [entry, added] = names_.try_emplace(arguments, fmt::format("arguments_{}", names_.size()));
        if (added) {
            std::vector<std::string> roles;
            std::transform(arguments.begin(), arguments.end(), std::back_inserter(roles), role);
            text_ += fmt::format("const Role {}[] = {{{}}};\n", entry->second, fmt::join(roles, ", "));
        }
        return entry->second;
    }
    const std::string &text() const { return text_; }

private:
    std::map<std::vector<std::string>, std::string> names_;
    std::string text_;
};

std::string argv_function(const RegistryEntry &entry) { return symbol(entry.spec) + "_argv"; }

// In the order of norma_dtype.
std::string strip_sums(const TargetSpec &target, const std::vector<RegistryEntry> &entries, bool pairs) {
    std::vector<std::string> functions(dtype_count, "nullptr");
    for (const RegistryEntry &entry : entries) {
        if (entry.spec.variant.op == strip_sum_op && entry.target == target.name &&
            (entry.spec.variant.bias != NORMA_NONE) == pairs) {
            functions[entry.spec.variant.y] = argv_function(entry);
        }
    }
    return fmt::format("{}", fmt::join(functions, ", "));
}

std::string merge(const TargetSpec &target, const std::vector<RegistryEntry> &entries) {
    for (const RegistryEntry &entry : entries) {
        if (entry.spec.variant.op == merge_op && entry.target == target.name) {
            return argv_function(entry);
        }
    }
    return "nullptr";
}

std::string target_line(const TargetSpec &target, const std::vector<RegistryEntry> &entries) {
    const auto bits = feature_bits(target);
    const DeviceCodegen &device = device_of(target);
    return fmt::format("    {{{}, {}, {{0x{:x}, 0x{:x}, 0x{:x}, 0x{:x}}}, {{{}}}, {}, {}, {}, {{{}}}}},\n",
                       quoted(target.name), quoted(target.halide), bits[0], bits[1], bits[2], bits[3],
                       strip_sums(target, entries, false), device.constant, device.capability(target),
                       merge(target, entries), strip_sums(target, entries, true));
}

std::string kernel_lines(const RegistryEntry &entry, size_t target, const std::string &arguments) {
    const Variant &variant = entry.spec.variant;
    std::vector<int64_t> run_time;
    for (const RunTimeChoice &choice : run_time_choices) {
        run_time.push_back(entry.spec.target.run_time.value(choice.name, choice.least));
    }
    return fmt::format("    {{{}, {},\n     {}, {}, {}, {}, {}, {{{}}},\n     {}, {}, {}, {}}},\n",
                       quoted(name(variant)), argv_function(entry), target, variant_initializer(variant),
                       entry.compiled.workspace_per_element, entry.compiled.arguments.size(), arguments,
                       fmt::join(run_time, ", "), quoted(entry.spec.strategy), quoted(all_knobs(entry.spec).dump()),
                       quoted(entry.spec.origin), entry.compiled.alignment);
}

size_t index_of(const std::vector<TargetSpec> &targets, const std::string &name) {
    auto found = std::find_if(targets.begin(), targets.end(), [&](const TargetSpec &t) { return t.name == name; });
    return (size_t)(found - targets.begin());
}

// Of this library alone: the name is for people.
std::string library_symbol(const std::string &manifest, const std::string &lock) {
    return identifier(fmt::format("norma_library_{}_{}", manifest, digest(lock).substr(0, 16)));
}

struct LeftOut {
    std::string includes, definitions;
};

// Kinds of devices that no target is for: what the dispatcher's list of them then finds.
LeftOut left_out(const std::vector<TargetSpec> &targets) {
    LeftOut text;
    for (size_t i = 0; i < device_codegen_count; i++) {
        const DeviceCodegen &device = *device_codegens[i];
        const auto is_for = [&](const TargetSpec &target) { return &device_of(target) == &device; };
        if (device.left_out && std::none_of(targets.begin(), targets.end(), is_for)) {
            const char *word = device_words.name(device.type);
            text.includes += fmt::format("#include \"runtime/src/device/{0}/no_{0}_device.h\"\n", word);
            text.definitions += fmt::format("const Device {0}_device = no_{0}_device;\n", word);
        }
    }
    return text;
}

}  // namespace

std::string library_header(const std::string &manifest, const std::string &lock) {
    return fmt::format(R"(// SPDX-License-Identifier: MIT
// Written by normagen from the manifest {}. What includes this asks the linker for this very library, if for any: it then
// finds two in one link, where it would have taken the first for both (docs/packaging.md). Without a library it asks for
// nothing.
#ifndef NORMA_LIBRARY_H
#define NORMA_LIBRARY_H

#if defined(__ELF__) && !defined(__CUDA_ARCH__)
__asm__(".globl {}");
#endif

#endif
)",
                       quoted(manifest), library_symbol(manifest, lock));
}

std::string library_source(const std::string &manifest, const std::string &lock) {
    return fmt::format(R"(// SPDX-License-Identifier: MIT
// Written by normagen from the manifest {}. library.h asks the linker for the first; every library has the second.
const char {}[] = "";
const char norma_has_two_libraries_in_one_link__see_docs_packaging_md[] = "";
)",
                       quoted(manifest), library_symbol(manifest, lock));
}

std::string registry_source(const std::string &manifest, const std::vector<TargetSpec> &targets,
                            const std::vector<RegistryEntry> &entries) {
    ArgumentLists lists;
    std::string declarations, target_lines, lines;
    for (const TargetSpec &target : targets) {
        target_lines += target_line(target, entries);
    }
    size_t count = 0;
    std::set<std::string> declared;
    for (const RegistryEntry &entry : entries) {
        if (declared.insert(argv_function(entry)).second) {
            declarations += fmt::format("int {}(void **arguments);\n", argv_function(entry));
        }
        if (info_of(entry.spec.variant.op).in_manifests) {
            const size_t target = index_of(targets, entry.target);
            lines += kernel_lines(entry, target, lists.name_of(entry.compiled.arguments));
            count++;
        }
    }
    const LeftOut absent = left_out(targets);
    return fmt::format(R"(// SPDX-License-Identifier: MIT
// Written by normagen from the manifest {}.
#include "runtime/src/core/registry.h"
{}
extern "C" {{
{}}}

namespace norma {{
namespace {{
{}}}  // namespace

{}const Target targets[] = {{
{}}};
const int32_t target_count = {};

const Kernel kernels[] = {{
{}}};
const int32_t kernel_count = {};

}}  // namespace norma
)",
                       quoted(manifest), absent.includes, declarations, lists.text(), absent.definitions, target_lines,
                       targets.size(), lines, count);
}

std::string lock_file(const std::string &manifest, const std::vector<TargetSpec> &targets,
                      const std::vector<RegistryEntry> &entries) {
    nlohmann::ordered_json lock = {{"schema", 1}, {"manifest", manifest}};
    for (const TargetSpec &target : targets) {
        lock["targets"].push_back({{"name", target.name}, {"halide", target.halide}});
    }
    for (const RegistryEntry &entry : entries) {
        lock["kernels"].push_back({{"name", name(entry.spec.variant)},
                                   {"target", entry.target},
                                   {"symbol", symbol(entry.spec)},
                                   {"strategy", entry.spec.strategy},
                                   {"knobs", all_knobs(entry.spec)},
                                   {"origin", entry.spec.origin},
                                   {"hash", entry.hash}});
    }
    return lock.dump(1) + "\n";
}

}  // namespace norma
