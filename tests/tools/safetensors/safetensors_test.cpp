// SPDX-License-Identifier: MIT
// A reader that believes nothing, and a writer that it believes.
#include "tools/safetensors/safetensors.h"

#include <sys/stat.h>

#include <cstring>

#include "tests/support/process.h"

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

std::string repeated(const std::string &part, int times) {
    std::string text;
    for (int i = 0; i < times; i++) {
        text += part;
    }
    return text;
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
        {"more behind a zero byte", file_of(good + std::string("\0{}", 3), 8), "not a JSON object"},
        {"white space before the object", file_of(" " + good, 8), "not a JSON object"},
        {"an empty header", file_of("", 0), "not a JSON object"},
        {"not an object", file_of("[1]", 0), "not a JSON object"},
        {"a name twice",
         file_of(R"({"x":)" + entry(f32, "[1]", "[0,4]") + R"(,"x":)" + entry(f32, "[1]", "[4,8]") + "}", 8),
         "\"x\" is in its header twice"},
        {"a key twice", file_of(R"({"x":{"dtype":"F32","dtype":"F32","shape":[2],"data_offsets":[0,8]}})", 8), "twice"},
        {"no dtype", file_of(R"({"x":{"shape":[2],"data_offsets":[0,8]}})", 8),
         R"("x": expected dtype, shape and data_offsets)"},
        {"one key too many", file_of(R"({"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8],"y":1}})", 8),
         R"("x": expected dtype)"},
        {"an entry that is no object", file_of(R"({"x":[1]})", 0), R"("x": expected dtype)"},
        {"an unknown dtype", one(R"("F33")", "[2]", "[0,8]"), R"("F33" is not a type)"},
        {"a dtype that is a number", one("32", "[2]", "[0,8]"), "32 is not a type"},
        {"a shape that is no list", one(f32, "2", "[0,8]"), "expected a list"},
        {"a negative extent", one(f32, "[-2]", "[0,8]"), "expected integers of 0 or more"},
        {"an extent beyond all integers", one(f32, "[18446744073709551615]", "[0,8]"),
         "expected integers of 0 or more"},
        {"a fractional extent", one(f32, "[2.0]", "[0,8]"), "expected integers of 0 or more"},
        {"extents beyond 2^63 bytes", one(f32, "[4611686018427387904,4]", "[0,8]"), "beyond 2^63 bits"},
        {"extents that hide behind a zero", one(f32, "[0,4611686018427387904,4]", "[0,0]"), "beyond 2^63 bits"},
        {"offsets that are one number", one(f32, "[2]", "[0]"), "expected two integers"},
        {"offsets that are negative", one(f32, "[2]", "[-8,0]"), "expected two integers"},
        {"offsets the wrong way round", one(f32, "[2]", "[8,0]"), "expected 8 bytes"},
        {"offsets that disagree with the shape", one(f32, "[2]", "[0,4]"), "expected 8 bytes"},
        {"data that begin late", file_of(R"({"x":)" + entry(f32, "[1]", "[4,8]") + "}", 8), "begin at 0"},
        {"data that overlap", two("[0,4]", "[0,4]", 8), "begin at 4"},
        {"a gap", two("[0,4]", "[8,12]", 12), "begin at 4"},
        {"data beyond the file", file_of(good, 4), "end by 4"},
        {"data that nobody names", file_of(good, 12), "has 12 bytes of data"},
        {"elements that are not whole bytes", one(R"("F4")", "[3]", "[0,2]"), "does not fill whole bytes"},
        {"data where none are due", one(f32, "[0]", "[0,8]"), "expected 0 bytes"},
        {"blanks before the header", file_of(" " + good, 8), "not a JSON object"},
        {"text after the header", file_of(good + "x", 8), "not a JSON object"},
        {"a number beyond all types", one(f32, "[1e999]", "[0,8]"), "not a JSON object"},
        {"bytes that are not UTF-8", file_of("{\"\xff\":" + entry(f32, "[2]", "[0,8]") + "}", 8), "not a JSON object"},
        {"a bomb of lists", file_of(R"({"x":)" + std::string(1'000'000, '[') + std::string(1'000'000, ']') + "}", 0),
         "nests lists or objects deeper"},
        {"a long shape", one(f32, "[-1" + repeated(",1", 90'000) + "]", "[0,8]"), "its shape is [-1,1,1"},
        {"a shape without end", one(f32, "[-1" + repeated(",1", 100'000) + "]", "[0,8]"),
         "an entry of its header has more than 100000 values"},
        {"a list of objects without end", file_of("[{}" + repeated(",{}", 3'000'000) + "]", 0), "not a JSON object"},
        {"an entry without end", file_of(R"({"x":[)" + repeated("0,", 3'000'000) + "0]}", 0), "has more than"},
        {"a name that breaks the line", file_of(R"({"a\nb":[]})", 0), R"("a\nb": expected dtype)"},
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
        CHECK(message.size() < path.size() + 500);
    }
    CHECK(contains(message_of(d / "missing"), "cannot be read: No such file"));
    CHECK(contains(message_of(d.path.string()), "not a regular file"));
    CHECK(contains(message_of("/dev/zero"), "not a regular file"));
}

// Of so many that a second look at each for each would take hours.
TEST_CASE("a header of a million tensors is read", "[safetensors]") {
    constexpr int count = 1'000'000;
    std::string header = "{";
    for (int i = 0; i < count; i++) {
        const std::string offset = std::to_string(i);
        header += (i == 0 ? "\"t" : ",\"t") + offset +
                  "\":" + entry(R"("U8")", "[1]", "[" + offset + "," + std::to_string(i + 1) + "]");
    }
    Directory d;
    const std::string path = d.write("f", file_of(header + "}", count));
    const st::File file = st::read(path, [](const std::string &name) { return name == "t999999"; });
    REQUIRE(file.tensors.size() == 1);
    CHECK(file.find("t999999")->bytes == std::vector<char>{'x'});
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

TEST_CASE("types of all widths are read, also those that pack several elements in a byte", "[safetensors]") {
    Directory d;
    const std::string header = R"({"four":)" + entry(R"("F4")", "[2,3]", "[0,3]") + R"(,"eight":)" +
                               entry(R"("F8_E4M3")", "[5]", "[3,8]") + R"(,"complex":)" +
                               entry(R"("C64")", "[1]", "[8,16]") + "}   ";
    const st::File file = st::read(d.write("f", file_of(header, 16)));
    CHECK(file.find("four")->elements() == 6);
    CHECK(file.find("four")->bytes.size() == 3);
    CHECK(file.find("eight")->bytes.size() == 5);
    CHECK(st::dtype_bytes("C64") == 8);
    CHECK(st::dtype_bytes("F4") == 0);
}

TEST_CASE("tensors are aligned to their elements, and only those that are wanted are read", "[safetensors]") {
    Directory d;
    st::File file;
    file.tensors["a"] = {"BF16", {3}, {'a', 'b', 'c', 'd', 'e', 'f'}};
    file.tensors["b"] = {"I8", {1}, {'1'}};
    file.tensors["c"] = {"F32", {1}, {'w', 'x', 'y', 'z'}};
    st::write(d / "f", file);
    CHECK(contains(read(d / "f"), "wxyzabcdef1"));
    const st::File some = st::read(d / "f", [](const std::string &name) { return name == "a"; });
    REQUIRE(some.tensors.size() == 1);
    CHECK(some.find("a")->bytes == file.tensors["a"].bytes);
}

TEST_CASE("a file is replaced as a whole, also behind a link, and nothing but files is", "[safetensors]") {
    Directory d;
    d.write("real", "old");
    fs::create_symlink("real", d.path / "link");
    st::write(d / "link", {});
    CHECK(fs::is_symlink(d.path / "link"));
    CHECK(st::read(d / "real").tensors.empty());
    REQUIRE(mkfifo((d / "pipe").c_str(), 0600) == 0);
    CHECK_THROWS_WITH(st::write(d / "pipe", {}), Catch::Matchers::Contains("is not a regular file"));
    CHECK(fs::is_fifo(d.path / "pipe"));
}

TEST_CASE("a file that cannot be written leaves nothing behind", "[safetensors]") {
    Directory d;
    CHECK_THROWS_AS(st::write(d / "no/such/folder/f", {}), st::FormatError);
    fs::create_directories(d.path / "folder");
    CHECK_THROWS_AS(st::write(d / "folder", {}), st::FormatError);
    CHECK(std::distance(fs::directory_iterator(d.path), fs::directory_iterator{}) == 1);
}
