// SPDX-License-Identifier: MIT
#include "safetensors_header.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "safetensors.h"
#include "tools/base/json_text.h"

namespace norma::safetensors {

using nlohmann::json;

namespace {

// Bits of an element. The format knows types that pack several elements in a byte.
const std::map<std::string, uint64_t> dtype_bits = {
    {"F64", 64},    {"F32", 32},    {"F16", 16},    {"BF16", 16},      {"I64", 64},    {"I32", 32},
    {"I16", 16},    {"I8", 8},      {"U64", 64},    {"U32", 32},       {"U16", 16},    {"U8", 8},
    {"BOOL", 8},    {"C64", 64},    {"F8_E4M3", 8}, {"F8_E5M2", 8},    {"F8_E8M0", 8}, {"F8_E4M3FNUZ", 8},
    {"F6_E2M3", 6}, {"F6_E3M2", 6}, {"F4", 4},      {"F8_E5M2FNUZ", 8}};

template <typename... T>
[[noreturn]] void fail(const char *format, const T &...values) {
    throw HeaderError(fmt::vformat(format, fmt::make_format_args(values...)));
}

constexpr JsonLimits limits = {3, 100'000};  // header, entry, shape

std::string brief(const json &value) { return norma::brief(value, 100); }

uint64_t parse_bits(const std::string &name, const json &dtype) {
    const auto found = dtype_bits.find(dtype.is_string() ? dtype.get<std::string>() : "");
    if (found == dtype_bits.end()) {
        fail("{}: {} is not a type", name, brief(dtype));
    }
    return found->second;
}

std::vector<int64_t> parse_shape(const std::string &name, const json &value) {
    if (!value.is_array()) {
        fail("{}: its shape is {}; expected a list", name, brief(value));
    }
    std::vector<int64_t> shape;
    for (const json &extent : value) {
        if (!extent.is_number_unsigned() || extent.get<uint64_t>() > INT64_MAX) {
            fail("{}: its shape is {}; expected integers of 0 or more", name, brief(value));
        }
        shape.push_back(extent.get<int64_t>());
    }
    return shape;
}

// Extents of 0 do not hide an overflow of the others.
uint64_t bytes_of(const std::string &name, const std::vector<int64_t> &shape, uint64_t bits) {
    int64_t most = static_cast<int64_t>(bits);
    bool empty = false;
    for (int64_t extent : shape) {
        empty |= extent == 0;
        if (__builtin_mul_overflow(most, std::max<int64_t>(extent, 1), &most)) {
            fail("{}: its shape {} is beyond 2^63 bits", name, brief(shape));
        }
    }
    if (!empty && most % 8 != 0) {
        fail("{}: its shape {} does not fill whole bytes", name, brief(shape));
    }
    return empty ? 0 : static_cast<uint64_t>(most) / 8;
}

Entry parse_entry(const std::string &key, const json &value) {
    const std::string name = quote(key);
    if (!value.is_object() || value.size() != 3 || !value.contains("dtype") || !value.contains("shape") ||
        !value.contains("data_offsets")) {
        fail("{}: expected dtype, shape and data_offsets", name);
    }
    const uint64_t bits = parse_bits(name, value["dtype"]);
    Entry entry = {key, value["dtype"], parse_shape(name, value["shape"]), 0, 0};
    const json &offsets = value["data_offsets"];
    if (!offsets.is_array() || offsets.size() != 2 || !offsets[0].is_number_unsigned() ||
        !offsets[1].is_number_unsigned()) {
        fail("{}: its data_offsets are {}; expected two integers", name, brief(offsets));
    }
    entry.begin = offsets[0];
    entry.end = offsets[1];
    const uint64_t bytes = bytes_of(name, entry.shape, bits);
    if (entry.end < entry.begin || entry.end - entry.begin != bytes) {
        fail("{}: its data_offsets are {}; expected {} bytes for {} of {}", name, brief(offsets), bytes, entry.dtype,
             brief(value["shape"]));
    }
    return entry;
}

std::map<std::string, std::string> parse_metadata(const json &value) {
    if (!value.is_object()) {
        fail("its __metadata__ is not an object");
    }
    std::map<std::string, std::string> metadata;
    for (const auto &[key, text] : value.items()) {
        if (!text.is_string()) {
            fail("its __metadata__ has {} for {}; expected a string", brief(text), quote(key));
        }
        metadata[key] = text.get<std::string>();
    }
    return metadata;
}

}  // namespace

Header parse_header(const std::string &text) {
    Header header;
    const auto take = [&](const std::string &key, const json &value) {
        if (key == "__metadata__") {
            header.metadata = parse_metadata(value);
        } else {
            header.entries.push_back(parse_entry(key, value));
        }
    };
    const char *const no_object = "its header is not a JSON object";
    try {
        if (text.empty() || text.front() != '{' || !parse_members(text, limits, take)) {
            fail(no_object);
        }
    } catch (const JsonSyntaxError &) {
        fail(no_object);
    } catch (const JsonDepthError &) {
        fail("its header nests lists or objects deeper than the format does");
    } catch (const JsonKeyError &error) {
        fail("{} is in its header twice", quote(error.key));
    } catch (const JsonError &error) {
        fail("an entry of its header {}", error.what());
    }
    return header;
}

std::string write_header(const Header &header) {
    json written = json::object();
    if (!header.metadata.empty()) {
        written["__metadata__"] = header.metadata;
    }
    for (const Entry &entry : header.entries) {
        written[entry.name] = {
            {"dtype", entry.dtype}, {"shape", entry.shape}, {"data_offsets", {entry.begin, entry.end}}};
    }
    std::string text = written.dump();
    text.resize((text.size() + 7) / 8 * 8, ' ');
    return text;
}

std::string quote(const std::string &text) { return brief(json(text)); }

size_t dtype_bytes(const std::string &dtype) {
    const auto found = dtype_bits.find(dtype);
    return found == dtype_bits.end() || found->second % 8 != 0 ? 0 : found->second / 8;
}

}  // namespace norma::safetensors
