// SPDX-License-Identifier: MIT
#include "safetensors.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

namespace norma::safetensors {

using nlohmann::json;

namespace {

constexpr uint64_t max_header = 100'000'000;

const std::map<std::string, size_t> dtypes = {{"F64", 8}, {"F32", 4}, {"F16", 2},  {"BF16", 2},    {"I64", 8},
                                              {"I32", 4}, {"I16", 2}, {"I8", 1},   {"U64", 8},     {"U32", 4},
                                              {"U16", 2}, {"U8", 1},  {"BOOL", 1}, {"F8_E4M3", 1}, {"F8_E5M2", 1}};

template <typename... T>
[[noreturn]] void fail(const std::string &path, const char *format, T &&...values) {
    throw FormatError(path + ": " + fmt::vformat(format, fmt::make_format_args(values...)));
}

std::string read_bytes(const std::string &path) {
    std::ifstream in(path, std::ios::binary);
    std::string bytes((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
    if (!in.is_open() || in.bad()) {
        fail(path, "cannot be read: {}", std::string(std::strerror(errno)));
    }
    return bytes;
}

// nlohmann keeps the last of two equal keys; the format forbids them.
json parse_header(const std::string &path, const std::string &text) {
    std::vector<std::set<std::string>> keys;
    std::string twice;
    json::parser_callback_t watch = [&](int, json::parse_event_t event, json &parsed) {
        if (event == json::parse_event_t::object_start) {
            keys.emplace_back();
        } else if (event == json::parse_event_t::object_end) {
            keys.pop_back();
        } else if (event == json::parse_event_t::key && !keys.back().insert(parsed.get<std::string>()).second) {
            twice = parsed.get<std::string>();
        }
        return true;
    };
    json header = json::parse(text, watch, /*allow_exceptions=*/false);
    if (header.is_discarded() || !header.is_object()) {
        fail(path, "its header is not a JSON object");
    }
    if (!twice.empty()) {
        fail(path, "\"{}\" is in its header twice", twice);
    }
    return header;
}

struct Entry {
    std::string name;
    std::string dtype;
    std::vector<int64_t> shape;
    uint64_t begin, end;
};

std::vector<int64_t> parse_shape(const std::string &path, const std::string &name, const json &value, size_t element) {
    if (!value.is_array()) {
        fail(path, "{}: its shape is {}; expected a list", name, value.dump());
    }
    std::vector<int64_t> shape;
    int64_t bytes = (int64_t)element;
    for (const json &extent : value) {
        if (!extent.is_number_unsigned() || extent.get<uint64_t>() > INT64_MAX) {
            fail(path, "{}: its shape is {}; expected integers of 0 or more", name, value.dump());
        }
        shape.push_back(extent.get<int64_t>());
        if (__builtin_mul_overflow(bytes, std::max<int64_t>(shape.back(), 1), &bytes)) {
            fail(path, "{}: its shape {} is beyond 2^63 bytes", name, value.dump());
        }
    }
    return shape;
}

Entry parse_entry(const std::string &path, const std::string &name, const json &value) {
    if (!value.is_object() || value.size() != 3 || !value.contains("dtype") || !value.contains("shape") ||
        !value.contains("data_offsets")) {
        fail(path, "{}: expected dtype, shape and data_offsets", name);
    }
    Entry entry;
    entry.name = name;
    entry.dtype = value["dtype"].is_string() ? value["dtype"].get<std::string>() : value["dtype"].dump();
    size_t element = dtype_bytes(entry.dtype);
    if (element == 0) {
        fail(path, "{}: {} is not a type", name, entry.dtype);
    }
    entry.shape = parse_shape(path, name, value["shape"], element);
    const json &offsets = value["data_offsets"];
    if (!offsets.is_array() || offsets.size() != 2 || !offsets[0].is_number_unsigned() ||
        !offsets[1].is_number_unsigned()) {
        fail(path, "{}: its data_offsets are {}; expected two integers", name, offsets.dump());
    }
    entry.begin = offsets[0];
    entry.end = offsets[1];
    uint64_t bytes = element;
    for (int64_t extent : entry.shape) {
        bytes *= (uint64_t)extent;
    }
    if (entry.end < entry.begin || entry.end - entry.begin != bytes) {
        fail(path, "{}: its data_offsets are {}; expected {} bytes for {} of {}", name, offsets.dump(), bytes,
             entry.dtype, value["shape"].dump());
    }
    return entry;
}

}  // namespace

File read(const std::string &path) {
    std::string bytes = read_bytes(path);
    uint64_t length = 0;
    if (bytes.size() < sizeof length) {
        fail(path, "has {} bytes; expected at least {}", bytes.size(), sizeof length);
    }
    std::memcpy(&length, bytes.data(), sizeof length);  // little-endian, as every target of ours
    if (length > max_header || length > bytes.size() - sizeof length) {
        fail(path, "says that its header has {} bytes; expected at most {}", length,
             std::min<uint64_t>(max_header, bytes.size() - sizeof length));
    }
    json header = parse_header(path, bytes.substr(sizeof length, length));

    File file;
    std::vector<Entry> entries;
    for (const auto &[name, value] : header.items()) {
        if (name != "__metadata__") {
            entries.push_back(parse_entry(path, name, value));
            continue;
        }
        if (!value.is_object()) {
            fail(path, "its __metadata__ is not an object");
        }
        for (const auto &[key, text] : value.items()) {
            if (!text.is_string()) {
                fail(path, "its __metadata__ has {} for \"{}\"; expected a string", text.dump(), key);
            }
            file.metadata[key] = text.get<std::string>();
        }
    }

    // The tensors cover the rest of the file, in some order, without gap or overlap.
    std::sort(entries.begin(), entries.end(),
              [](const Entry &a, const Entry &b) { return std::tie(a.begin, a.end) < std::tie(b.begin, b.end); });
    uint64_t at = 0, data = bytes.size() - sizeof length - length;
    for (const Entry &entry : entries) {
        if (entry.begin != at || entry.end > data) {
            fail(path, "{}: its data lie at {} to {}; expected them to begin at {} and to end by {}", entry.name,
                 entry.begin, entry.end, at, data);
        }
        at = entry.end;
        const char *from = bytes.data() + sizeof length + length + entry.begin;
        file.tensors[entry.name] = {entry.dtype, entry.shape,
                                    std::vector<char>(from, from + (entry.end - entry.begin))};
    }
    if (at != data) {
        fail(path, "has {} bytes of data; its header speaks of {}", data, at);
    }
    return file;
}

void write(const std::string &path, const File &file) {
    json header = json::object();
    if (!file.metadata.empty()) {
        header["__metadata__"] = file.metadata;
    }
    uint64_t at = 0;
    for (const auto &[name, tensor] : file.tensors) {
        header[name] = {
            {"dtype", tensor.dtype}, {"shape", tensor.shape}, {"data_offsets", {at, at + tensor.bytes.size()}}};
        at += tensor.bytes.size();
    }
    std::string text = header.dump();
    text.resize((text.size() + 7) / 8 * 8, ' ');
    uint64_t length = text.size();

    std::string temporary = path + "." + std::to_string(getpid()) + ".tmp";
    std::ofstream out(temporary, std::ios::binary);
    out.write(reinterpret_cast<const char *>(&length), sizeof length) << text;
    for (const auto &[name, tensor] : file.tensors) {
        out.write(tensor.bytes.data(), (std::streamsize)tensor.bytes.size());
    }
    out.close();
    if (!out || std::rename(temporary.c_str(), path.c_str()) != 0) {
        std::string why = std::strerror(errno);
        std::remove(temporary.c_str());
        fail(path, "cannot be written: {}", why);
    }
}

int64_t Tensor::elements() const {
    int64_t count = 1;
    for (int64_t extent : shape) {
        count *= extent;
    }
    return count;
}

const Tensor *File::find(const std::string &name) const {
    auto found = tensors.find(name);
    return found == tensors.end() ? nullptr : &found->second;
}

size_t dtype_bytes(const std::string &dtype) {
    auto found = dtypes.find(dtype);
    return found == dtypes.end() ? 0 : found->second;
}

}  // namespace norma::safetensors
