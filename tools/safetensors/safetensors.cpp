// SPDX-License-Identifier: MIT
#include "safetensors.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <new>
#include <tuple>

#include "safetensors_header.h"
#include "tools/base/output_file.h"

namespace norma::safetensors {

namespace {

namespace fs = std::filesystem;

constexpr uint64_t max_header = 100'000'000;

[[noreturn]] void fail(const std::string &path, const std::string &why) { throw FormatError(path + ": " + why); }

// A file that knows its size, so that no length in it is believed.
class Input {
public:
    explicit Input(const std::string &path) : path_(path) {
        std::error_code error;
        const fs::file_status status = fs::status(path, error);
        if (fs::exists(status) && !fs::is_regular_file(status)) {
            fail(path, "cannot be read: is not a regular file");
        }
        in_.open(path, std::ios::binary);
        if (!in_) {
            fail(path, fmt::format("cannot be read: {}", std::strerror(errno)));
        }
        left_ = fs::file_size(path);
    }

    uint64_t left() const { return left_; }

    template <typename Bytes>
    void read(Bytes &bytes, uint64_t count) {
        try {
            bytes.resize(count);
        } catch (const std::bad_alloc &) {
            fail(path_, fmt::format("cannot be read: no memory for {} bytes of it", count));
        }
        if (!in_.read(bytes.data(), static_cast<std::streamsize>(count))) {
            fail(path_, "cannot be read to its end");
        }
        left_ -= count;
    }

    void skip(uint64_t count) {
        in_.seekg(static_cast<std::streamoff>(count), std::ios::cur);
        left_ -= count;
    }

private:
    const std::string &path_;
    std::ifstream in_;
    uint64_t left_ = 0;
};

std::string read_header(Input &in, const std::string &path) {
    uint64_t length = 0;
    if (in.left() < sizeof length) {
        fail(path, fmt::format("has {} bytes; expected at least {}", in.left(), sizeof length));
    }
    std::string bytes;
    in.read(bytes, sizeof length);
    std::memcpy(&length, bytes.data(), sizeof length);  // little-endian, as every target of ours
    const uint64_t most = std::min(max_header, in.left());
    if (length > most) {
        fail(path, fmt::format("says that its header has {} bytes; expected at most {}", length, most));
    }
    in.read(bytes, length);
    return bytes;
}

// The tensors cover the data in some order, without gap or overlap.
void check_layout(const std::vector<Entry> &entries, uint64_t data, const std::string &path) {
    uint64_t at = 0;
    for (const Entry &entry : entries) {
        if (entry.begin != at || entry.end > data) {
            fail(path, fmt::format("{}: its data lie at {} to {}; expected them to begin at {} and to end by {}",
                                   quote(entry.name), entry.begin, entry.end, at, data));
        }
        at = entry.end;
    }
    if (at != data) {
        fail(path, fmt::format("has {} bytes of data; its header speaks of {}", data, at));
    }
}

// A file is read at random, so that one is written.
void expect_file(const std::string &path) {
    std::error_code error;
    const fs::file_status status = fs::status(path, error);
    if (fs::exists(status) && !fs::is_regular_file(status)) {
        fail(path, "cannot be written: is not a regular file");
    }
}

// Largest elements first, so that each tensor is aligned to its own.
std::vector<std::pair<std::string, const Tensor *>> in_file_order(const File &file) {
    std::vector<std::pair<std::string, const Tensor *>> order;
    for (const auto &[name, tensor] : file.tensors) {
        order.emplace_back(name, &tensor);
    }
    std::stable_sort(order.begin(), order.end(), [](const auto &a, const auto &b) {
        return dtype_bytes(a.second->dtype) > dtype_bytes(b.second->dtype);
    });
    return order;
}

}  // namespace

File read(const std::string &path) {
    return read(path, [](const std::string &) { return true; });
}

File read(const std::string &path, const std::function<bool(const std::string &)> &wanted) {
    Input in(path);
    Header header;
    try {
        header = parse_header(read_header(in, path));
    } catch (const HeaderError &error) {
        fail(path, error.what());
    }
    std::sort(header.entries.begin(), header.entries.end(),
              [](const Entry &a, const Entry &b) { return std::tie(a.begin, a.end) < std::tie(b.begin, b.end); });
    check_layout(header.entries, in.left(), path);

    File file;
    file.metadata = std::move(header.metadata);
    for (Entry &entry : header.entries) {
        const uint64_t bytes = entry.end - entry.begin;
        if (!wanted(entry.name)) {
            in.skip(bytes);
            continue;
        }
        Tensor &tensor = file.tensors[entry.name];
        tensor = {std::move(entry.dtype), std::move(entry.shape), {}};
        in.read(tensor.bytes, bytes);
    }
    return file;
}

void write(const std::string &path, const File &file) {
    const auto order = in_file_order(file);
    std::vector<Entry> entries;
    uint64_t at = 0;
    for (const auto &[name, tensor] : order) {
        entries.push_back({name, tensor->dtype, tensor->shape, at, at + tensor->bytes.size()});
        at = entries.back().end;
    }
    const std::string header = write_header({entries, file.metadata});
    const uint64_t length = header.size();

    expect_file(path);
    try {
        OutputFile out(path);
        out.write({reinterpret_cast<const char *>(&length), sizeof length});
        out.write(header);
        for (const auto &[name, tensor] : order) {
            out.write({tensor->bytes.data(), tensor->bytes.size()});
        }
        out.finish();
    } catch (const OutputError &error) {
        throw FormatError(error.what());
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
    const auto found = tensors.find(name);
    return found == tensors.end() ? nullptr : &found->second;
}

}  // namespace norma::safetensors
