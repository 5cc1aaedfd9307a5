// SPDX-License-Identifier: MIT
// A reader that believes nothing, and a writer that it believes.
#include "tools/safetensors.h"

#include <cstring>

#include "process.h"

namespace {

namespace st = norma::safetensors;

std::string file_of(const std::string &header, size_t data_bytes, uint64_t length) {
    std::string bytes(sizeof length, '\0');
    std::memcpy(bytes.data(), &length, sizeof length);
    return bytes + header + std::string(data_bytes, 'x');
}

std::string file_of(const std::string &header, size_t data_bytes) { return file_of(header, data_bytes, header.size()); }

std::string entry(const std::string &dtype, const std::string &shape, const std::string &offsets) {
    return R"({"dtype":)" + dtype + R"(,"shape":)" + shape + R"(,"data_offsets":)" + offsets + "}";
}

struct Malformed {
    std::string what, bytes, says;
};

const std::string f32 = R"("F32")";

std::vector<Malformed> malformed() {
    const std::string good = R"({"x":)" + entry(f32, "[2]", "[0,8]") + "}";
    auto one = [&](const std::string &dtype, const std::string &shape, const std::string &offsets) {
        return file_of(R"({"x":)" + entry(dtype, shape, offsets) + "}", 8);
    };
    auto two = [&](const std::string &first, const std::string &second, size_t data) {
        return file_of(R"({"a":)" + entry(f32, "[1]", first) + R"(,"b":)" + entry(f32, "[1]", second) + "}", data);
    };
    return {
        {"empty", "", "has 0 bytes"},
        {"shorter than a length", "1234567", "has 7 bytes"},
        {"a length beyond the file", file_of(good, 8, 1000), "says that its header has 1000 bytes"},
        {"a length beyond all files", file_of(good, 8, ~uint64_t{0}), "says that its header has 18446744073709551615"},
        {"not JSON", file_of("{\"x\":", 8), "not a JSON object"},
        {"not an object", file_of("[1]", 0), "not a JSON object"},
        {"a name twice",
         file_of(R"({"x":)" + entry(f32, "[1]", "[0,4]") + R"(,"x":)" + entry(f32, "[1]", "[4,8]") + "}", 8),
         "\"x\" is in its header twice"},
        {"a key twice", file_of(R"({"x":{"dtype":"F32","dtype":"F32","shape":[2],"data_offsets":[0,8]}})", 8), "twice"},
        {"no dtype", file_of(R"({"x":{"shape":[2],"data_offsets":[0,8]}})", 8),
         "x: expected dtype, shape and data_offsets"},
        {"one key too many", file_of(R"({"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8],"y":1}})", 8),
         "x: expected dtype"},
        {"an entry that is no object", file_of(R"({"x":[1]})", 0), "x: expected dtype"},
        {"an unknown dtype", one(R"("F33")", "[2]", "[0,8]"), "F33 is not a type"},
        {"a dtype that is a number", one("32", "[2]", "[0,8]"), "32 is not a type"},
        {"a shape that is no list", one(f32, "2", "[0,8]"), "expected a list"},
        {"a negative extent", one(f32, "[-2]", "[0,8]"), "expected integers of 0 or more"},
        {"a fractional extent", one(f32, "[2.0]", "[0,8]"), "expected integers of 0 or more"},
        {"extents beyond 2^63 bytes", one(f32, "[4611686018427387904,4]", "[0,8]"), "beyond 2^63 bytes"},
        {"extents that hide behind a zero", one(f32, "[0,4611686018427387904,4]", "[0,0]"), "beyond 2^63 bytes"},
        {"offsets that are one number", one(f32, "[2]", "[0]"), "expected two integers"},
        {"offsets that are negative", one(f32, "[2]", "[-8,0]"), "expected two integers"},
        {"offsets the wrong way round", one(f32, "[2]", "[8,0]"), "expected 8 bytes"},
        {"offsets that disagree with the shape", one(f32, "[2]", "[0,4]"), "expected 8 bytes"},
        {"data that begin late", file_of(R"({"x":)" + entry(f32, "[1]", "[4,8]") + "}", 8), "begin at 0"},
        {"data that overlap", two("[0,4]", "[0,4]", 8), "begin at 4"},
        {"a gap", two("[0,4]", "[8,12]", 12), "begin at 4"},
        {"data beyond the file", file_of(good, 4), "end by 4"},
        {"data that nobody names", file_of(good, 12), "has 12 bytes of data"},
        {"metadata that are no object", file_of(R"({"__metadata__":[]})", 0), "__metadata__ is not an object"},
        {"metadata that are no strings", file_of(R"({"__metadata__":{"eps":1}})", 0), "expected a string"},
    };
}

std::string message_of(const std::string &path) {
    try {
        st::read(path);
    } catch (const st::FormatError &error) {
        return error.what();
    }
    return "";
}

}  // namespace

TEST_CASE("each malformed file is refused in one line that says where", "[safetensors]") {
    Directory d;
    for (const Malformed &bad : malformed()) {
        const std::string path = d.write("bad.safetensors", bad.bytes), message = message_of(path);
        INFO(bad.what << ": " << message);
        CHECK(message.rfind(path + ": ", 0) == 0);
        CHECK(contains(message, bad.says));
        CHECK(!contains(message, "\n"));
    }
    CHECK(contains(message_of(d / "missing"), "cannot be read: No such file"));
}

TEST_CASE("what is written is read back", "[safetensors]") {
    Directory d;
    st::File file;
    file.tensors["x"] = {"BF16", {2, 3}, std::vector<char>(12, 'a')};
    file.tensors["empty"] = {"F32", {0, 4}, {}};
    file.tensors["scalar"] = {"F32", {}, {'1', '2', '3', '4'}};
    file.metadata["eps"] = "1e-12";
    st::write(d / "f", file);
    const st::File again = st::read(d / "f");
    CHECK(again.metadata == file.metadata);
    REQUIRE(again.tensors.size() == 3);
    for (const auto &[name, tensor] : file.tensors) {
        REQUIRE(again.find(name) != nullptr);
        CHECK(again.find(name)->dtype == tensor.dtype);
        CHECK(again.find(name)->shape == tensor.shape);
        CHECK(again.find(name)->bytes == tensor.bytes);
    }
    CHECK(again.find("y") == nullptr);
    CHECK(again.find("empty")->elements() == 0);
    CHECK(again.find("scalar")->elements() == 1);
    uint64_t length = 0;
    std::memcpy(&length, read(d / "f").data(), sizeof length);
    CHECK(length % 8 == 0);
}

TEST_CASE("a file that cannot be written leaves nothing behind", "[safetensors]") {
    Directory d;
    CHECK_THROWS_AS(st::write(d / "no/such/folder/f", {}), st::FormatError);
    fs::create_directories(d.path / "folder");
    CHECK_THROWS_AS(st::write(d / "folder", {}), st::FormatError);
    CHECK(std::distance(fs::directory_iterator(d.path), fs::directory_iterator{}) == 1);
}
