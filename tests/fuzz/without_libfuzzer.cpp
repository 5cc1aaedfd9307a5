// SPDX-License-Identifier: MIT
// NAME_fuzz SECONDS CORPUS: what libFuzzer's main is to a fuzzer, for the compiler of CI, which has none: runs the
// files of a folder, and then changes of them, drawn from NORMA_RANDOM_SEED. It follows no coverage. An input ends
// where a page begins that nobody may touch; one that crashes, takes ten seconds or two gigabytes is written to
// NAME_fuzz.found.
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/gates/choices.h"
#include "tests/support/guarded.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

namespace {

using norma::test::Choices;
using namespace std::string_literals;

constexpr size_t longest = 1 << 14;
constexpr unsigned most_seconds = 10;
constexpr long most_kib = 2L << 20;

// What a parser may trip over.
std::vector<std::string> words() {
    std::istringstream in(
        "{ } [ ] \" , : null true -1 0 0.5 1e18 1e999 4294967296 9223372036854775807 18446744073709551616 . .. / \\ "
        "\\u0000 \xff \xc3\x28 \x7f\xff\xff\xff \0\0\0\0 [[[[[[[[ {\"a\":"s);
    return {std::istream_iterator<std::string>(in), std::istream_iterator<std::string>()};
}

// What runs now, for the handler of signals.
std::string found_file;
std::string_view current;

void write_all(int file, std::string_view text) {
    while (!text.empty()) {
        const ssize_t count = write(file, text.data(), text.size());
        text.remove_prefix(count > 0 ? static_cast<size_t>(count) : text.size());
    }
}

// Calls what a handler of signals may call.
void write_found(std::string_view why) {
    const int file = open(found_file.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
    write_all(file, current);
    close(file);
    write_all(STDERR_FILENO, why);
    write_all(STDERR_FILENO, "; the input is in ");
    write_all(STDERR_FILENO, {found_file.data(), found_file.size()});
    write_all(STDERR_FILENO, "\n");
    _exit(1);
}

void on_signal(int signal) { write_found(signal == SIGALRM ? "takes too long" : "crashes"); }

// On a stack of its own, for inputs that end the usual one.
void handle_signals() {
    static std::array<char, 1 << 16> stack;
    stack_t other = {};
    other.ss_sp = stack.data();
    other.ss_size = stack.size();
    sigaltstack(&other, nullptr);
    struct sigaction action = {};
    action.sa_handler = on_signal;
    action.sa_flags = SA_ONSTACK;
    for (int signal : {SIGABRT, SIGALRM, SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGTRAP}) {
        sigaction(signal, &action, nullptr);
    }
}

void run(const std::string &input) {
    static const norma::test::GuardedMemory memory(longest);
    char *const bytes = memory.back(input.size());
    std::copy(input.begin(), input.end(), bytes);
    current = {bytes, input.size()};
    alarm(most_seconds);
    LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t *>(bytes), input.size());
    alarm(0);
    rusage used = {};
    getrusage(RUSAGE_SELF, &used);
    if (used.ru_maxrss > most_kib) {
        write_found("takes too much memory");
    }
}

std::vector<std::string> read_corpus(const std::filesystem::path &folder) {
    std::vector<std::string> inputs;
    for (const auto &entry : std::filesystem::directory_iterator(folder)) {
        std::ifstream file(entry.path(), std::ios::binary);
        inputs.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
    }
    std::sort(inputs.begin(), inputs.end());  // the same for a seed on any file system
    return inputs;
}

// A part of an input, short more often than long.
std::pair<size_t, size_t> part_of(const std::string &input, Choices &choices) {
    const size_t begin = choices.below(input.size() + 1);
    const size_t most = std::min<size_t>(input.size() - begin, size_t{1} << choices.below(12));
    return {begin, choices.below(most + 1)};
}

std::string one_of(const std::vector<std::string> &texts, Choices &choices) {
    return texts[choices.below(texts.size())];
}

void change(std::string &input, const std::vector<std::string> &corpus, Choices &choices) {
    const auto [begin, count] = part_of(input, choices);
    static const std::vector<std::string> known = words();
    const std::string other = one_of(corpus, choices);
    const auto [other_begin, other_count] = part_of(other, choices);
    switch (choices.below(6)) {
        case 0: input.erase(begin, count); break;
        case 1: input.insert(begin, input.substr(begin, count)); break;
        case 2: input.replace(begin, count, other, other_begin, other_count); break;
        case 3: input.replace(begin, count, one_of(known, choices)); break;
        case 4: input.insert(begin, one_of(known, choices)); break;
        default:
            if (begin < input.size()) {
                input[begin] = static_cast<char>(input[begin] ^ 1 << choices.below(8));
            }
    }
    input.resize(std::min(input.size(), longest));
}

}  // namespace

int main(int count, char **arguments) {
    if (count != 3) {
        std::fprintf(stderr, "usage: %s SECONDS CORPUS\n", arguments[0]);
        return 2;
    }
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(std::atoi(arguments[1]));
    found_file = std::string(arguments[0]) + ".found";
    handle_signals();

    const std::vector<std::string> corpus = read_corpus(arguments[2]);
    if (corpus.empty()) {
        std::fprintf(stderr, "%s is empty; expected files\n", arguments[2]);
        return 2;
    }
    std::for_each(corpus.begin(), corpus.end(), run);
    const char *const seed = std::getenv("NORMA_RANDOM_SEED");
    Choices choices(seed ? std::strtoull(seed, nullptr, 10) : 1);
    size_t inputs = corpus.size();
    for (; std::chrono::steady_clock::now() < end; inputs++) {
        std::string input = one_of(corpus, choices);
        for (size_t changes = 1 + choices.below(4); changes > 0; changes--) {
            change(input, corpus, choices);
        }
        run(input);
    }
    std::printf("%zu inputs\n", inputs);
}
