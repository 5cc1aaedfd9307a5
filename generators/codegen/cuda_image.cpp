// SPDX-License-Identifier: MIT
#include "cuda_image.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <iterator>
#include <regex>
#include <sstream>
#include <stdexcept>

#include "cuda_hints.h"
#include "generators/passes/cuda/bfloat_pair.h"
#include "generators/passes/cuda/rows_ahead.h"
#include "tools/base/child.h"
#include "tools/base/data_directory.h"
#include "tools/base/files.h"
#include "tools/base/find_program.h"
#include "tools/base/temporary_directory.h"

namespace norma {

namespace fs = std::filesystem;

namespace {

int count(const std::string &text, const std::regex &pattern) {
    return (int)std::distance(std::sregex_iterator(text.begin(), text.end(), pattern), std::sregex_iterator());
}

std::string replace(const std::string &text, const char *pattern, const std::string &by, int least, int most) {
    const std::regex regex(pattern);
    const int found = count(text, regex);
    if (found < least || found > most) {
        throw std::logic_error("PTX has " + std::to_string(found) + " of " + pattern + "; expected " +
                               std::to_string(least) + (least == most ? "" : " or more"));
    }
    return std::regex_replace(text, regex, by);
}

constexpr int usual_threads = 1536;  // of an SM of some kinds; of others they are three quarters

// Writes machine code for the SM to the file `cubin`.
CudaResources assemble(const std::string &ptx, int sm, const std::string &cubin) {
    auto from = [&](const std::string &text) {
        const std::string file = cubin + ".ptx";
        write_if_changed(file, text);
        std::vector<std::string> words = {
            cuda_toolkit() + "/ptxas", "-v", "-arch=sm_" + std::to_string(sm), file, "-o", cubin};
        words.insert(words.end(), ptxas_options.begin(), ptxas_options.end());
        return parse_ptxas(run_program("assemble PTX", words), sm);
    };
    CudaResources resources = from(ptx);
    // ptxas wanted room for another block. Told how many are wanted, it may need no spills for as many.
    std::smatch threads;
    std::regex_search(ptx, threads, std::regex("\\.maxntid (\\d+)"));
    for (int blocks : {threads.empty() ? 1 : usual_threads / std::stoi(threads[1]), 1}) {
        if (resources.spill_bytes != 0) {
            const std::string least = "$&\n.minnctapersm " + std::to_string(std::max(blocks, 1));
            resources = from(replace(ptx, "\\.maxntid [^\n]*", least, 0, 1));
        }
    }
    return resources;
}

// An extern function of a pass, and the instruction that it stands for: $1, $2... are its parameters, then its result.
struct StandIn {
    const char *name;
    int parameters;
    const char *instruction;
};

constexpr StandIn stand_ins[] = {
    {bfloat_pair_function, 2, "cvt.rn.bf16x2.f32 \t$3, $2, $1;"},
    {commit_copies_function, 0, "cp.async.commit_group;"},
    {await_copies_function, 1, "cp.async.wait_group \t$1;"},
};

std::string with_instruction(std::string text, const StandIn &function) {
    const std::string name = function.name, number = "\\.b32\\s+";
    if (text.find(name) == std::string::npos) {
        return text;
    }
    text = replace(text, ("\\.extern \\.func +\\([^)]*\\) " + name + "\n\\([^)]*\\)\n;\n").c_str(), "", 1, 1);
    std::string call = "\\{ // callseq [^\n]*\n", parameters;
    for (int i = 0; i < function.parameters; i++) {
        const std::string parameter = "param" + std::to_string(i);
        call += "\\s*\\.param[^\n]*\n\\s*st\\.param" + number + "\\[" + parameter + "\\], ([^;]+);\n";
        parameters += (i > 0 ? ", " : "") + parameter;
    }
    call += "\\s*\\.param[^\n]*\n\\s*call\\.uni \\(retval0\\), " + name + ", \\(" + parameters +
            "\\);\n(?:\\s*ld\\.param" + number + "(%\\w+), \\[retval0\\];\n)?\\s*\\} // callseq[^\n]*";
    return replace(text, call.c_str(), function.instruction, 1, INT32_MAX);
}

bool has_toolkit(const fs::path &directory) {
    return access((directory / "ptxas").c_str(), X_OK) == 0 && access((directory / "fatbinary").c_str(), X_OK) == 0;
}

// Of script/setup cuda, else on PATH, else where NVIDIA installs it. "" where there is none.
std::string find_toolkit() {
    std::vector<fs::path> places;
    std::error_code none;
    for (const fs::directory_entry &python : fs::directory_iterator(data_directory() / ".venv/lib", none)) {
        places.push_back(python.path() / "site-packages/nvidia/cu13/bin");
    }
    places.push_back(find_program({"ptxas"}).parent_path());
    places.emplace_back("/usr/local/cuda/bin");
    const auto found = std::find_if(places.begin(), places.end(), has_toolkit);
    return found == places.end() ? "" : found->string();
}

}  // namespace

// Halide says for which PTX of its time, and not how large a block is, without which ptxas cannot bound registers. An
// output may overwrite an input, so inputs are not read-only for the whole kernel.
std::string finish_ptx(std::string text, int threads) {
    while (!text.empty() && text.back() == '\0') {
        text.pop_back();
    }
    for (const StandIn &function : stand_ins) {
        text = with_instruction(text, function);
    }
    text = copy_without_waiting(text);
    if (threads != 0) {
        text = replace(text, "\\.visible \\.entry ", "$&", 1, 1);
        text = replace(text, "\n\\)\n", "\n)\n.maxntid " + std::to_string(threads) + ", 1, 1\n", 1, 1);
    }
    return replace(text, "ld\\.global\\.nc\\.", "ld.global.", 1, INT32_MAX);
}

std::string cuda_toolkit() {
    if (const char *given = std::getenv("NORMA_CUDA_BIN")) {
        return has_toolkit(given) ? given : "";
    }
    static const std::string found = find_toolkit();
    return found;
}

std::string cuda_toolkit_version() {
    static const std::string version =
        cuda_toolkit().empty() ? "" : run_program("ask for a version", {cuda_toolkit() + "/ptxas", "--version"});
    return version;
}

std::string cuda_disassembler() {
    const char *path = std::getenv("PATH");
    std::istringstream directories(cuda_toolkit() + ":" + (path != nullptr ? path : ""));
    for (std::string directory; std::getline(directories, directory, ':');) {
        if (access((directory + "/nvdisasm").c_str(), X_OK) == 0) {
            return directory + "/nvdisasm";
        }
    }
    return "";
}

CudaImage make_cuda_image(const std::string &ptx, int threads, const std::vector<int> &sms,
                          const std::string &scratch) {
    const std::string toolkit = cuda_toolkit();
    if (toolkit.empty()) {
        throw std::runtime_error("no ptxas and fatbinary of a CUDA toolkit; script/setup cuda installs them");
    }
    CudaImage image{ptx, "", {}};
    const TemporaryDirectory directory(scratch);
    const std::string text = directory / "image.ptx", fatbin = directory / "fatbin";
    write_if_changed(text, ptx);
    std::vector<std::string> link = {toolkit + "/fatbinary", "-64", "--compress-mode=size", "--create=" + fatbin};
    for (int sm : sms) {
        const std::string cubin = directory / (std::to_string(sm) + ".cubin");
        image.resources.push_back(assemble(ptx, sm, cubin));
        if (const std::string why = excess(image.resources.back(), threads); !why.empty()) {
            throw std::runtime_error("sm_" + std::to_string(sm) + ": " + why);
        }
        link.push_back("--image3=kind=elf,sm=" + std::to_string(sm) + ",file=" + cubin);
    }
    std::smatch target;
    if (!std::regex_search(ptx, target, std::regex("\\.target sm_(\\d+)"))) {
        throw std::logic_error("PTX without a target");
    }
    link.push_back("--image3=kind=ptx,sm=" + target[1].str() + ",file=" + text);
    run_program("make a fatbin", link);
    image.fatbin = read_file(fatbin);
    return image;
}

CudaResources parse_ptxas(const std::string &verbose, int sm) {
    auto figure = [&](const char *pattern) {
        std::smatch match;
        if (!std::regex_search(verbose, match, std::regex(pattern))) {
            throw std::runtime_error(std::string("ptxas says nothing like \"") + pattern + "\": " + verbose);
        }
        return std::stoi(match[1]);
    };
    CudaResources resources;
    resources.sm = sm;
    resources.registers = figure("Used (\\d+) registers");
    resources.spill_bytes =
        figure("(\\d+) bytes spill stores") + figure("(\\d+) bytes spill loads") + figure("(\\d+) bytes stack frame");
    return resources;
}

std::string excess(const CudaResources &resources, int threads) {
    constexpr int registers_of_a_block = 65536, granule = 8;
    if (resources.spill_bytes != 0) {
        return std::to_string(resources.spill_bytes) + " bytes of a thread are spilled";
    }
    const int allocated = (resources.registers + granule - 1) / granule * granule;
    if (allocated * threads > registers_of_a_block) {
        return std::to_string(resources.registers) + " registers for each of " + std::to_string(threads) +
               " threads; a block has " + std::to_string(registers_of_a_block);
    }
    return "";
}

std::string cuda_sass(const std::string &ptx, int sm, const std::string &scratch) {
    const std::string disassembler = cuda_disassembler();
    if (disassembler.empty()) {
        return "";
    }
    const TemporaryDirectory directory(scratch);
    const std::string cubin = directory / "cubin";
    assemble(ptx, sm, cubin);
    return run_program("disassemble", {disassembler, "-c", cubin});
}

}  // namespace norma
