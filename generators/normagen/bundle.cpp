// SPDX-License-Identifier: MIT
#include "bundle.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "tools/base/child.h"
#include "tools/base/data_directory.h"
#include "tools/base/files.h"
#include "tools/base/find_program.h"
#include "tools/base/folder_lock.h"
#include "tools/base/temporary_directory.h"

namespace norma {

namespace fs = std::filesystem;

namespace {

const fs::path lock_file_of_bundles = "share/norma/manifest.lock.json";

// What `directory` holds and `bundle` does not; the libraries of an earlier bundle do not count. Empty: nothing.
std::string stranger(const fs::path &directory, const fs::path &bundle) {
    for (const fs::directory_entry &entry : fs::recursive_directory_iterator(directory)) {
        const fs::path name = entry.path().lexically_relative(directory);
        const bool old_library = name.string().rfind("lib/libnorma", 0) == 0;
        if (!fs::is_directory(entry.symlink_status()) && !old_library && !fs::exists(bundle / name)) {
            return name.string();
        }
    }
    return "";
}

[[noreturn]] void refuse_out(const fs::path &out, const std::string &why) {
    throw InputError(fmt::format("--out {} {}; expected a new or empty directory, or an earlier bundle to replace",
                                 out.string(), why));
}

void check_out(const fs::path &out) {
    if (fs::exists(out) && !fs::is_directory(out)) {
        refuse_out(out, "is no directory");
    }
    if (fs::is_directory(out) && !fs::is_empty(out) && !fs::exists(out / lock_file_of_bundles)) {
        refuse_out(out, "has files, but no " + lock_file_of_bundles.string());
    }
}

void replace(const fs::path &out, const fs::path &bundle, const fs::path &old) {
    const bool replaces = fs::exists(out);
    if (replaces) {
        if (const std::string name = stranger(out, bundle); !name.empty()) {
            refuse_out(out, "has " + name);
        }
        if (renameat2(AT_FDCWD, bundle.c_str(), AT_FDCWD, out.c_str(), RENAME_EXCHANGE) == 0) {
            return;  // without a moment when nothing is there
        }
        if (errno != EINVAL && errno != ENOSYS && errno != EOPNOTSUPP) {
            throw OutputError(out.string() + ": cannot write: " + std::strerror(errno));
        }
        fs::rename(out, old);  // on file systems that cannot
    }
    std::error_code error;
    fs::rename(bundle, out, error);
    if (error) {
        if (replaces) {
            fs::rename(old, out);
        }
        throw OutputError(out.string() + ": cannot write: " + error.message());
    }
}

// Of the norma command all but the library, for this machine.
fs::path tool_object() { return fs::read_symlink("/proc/self/exe").parent_path() / "../lib/norma/norma_tool.o"; }

// What a bundle is built with, as cmake/bundle.cmake takes it: those of script/setup, where it was run, else of PATH.
std::vector<std::string> build_tools(const BundleOptions &options) {
    const std::vector<fs::path> of_setup = {data_directory() / ".venv/bin"};
    const auto find = [&](const std::vector<std::string> &names, const char *variable) {
        const std::string advice = fmt::format("on PATH, or another one in {}", variable);
        return require_program("bundle", names, advice, of_setup).string();
    };
    const char *cmake = std::getenv("NORMA_CMAKE");
    std::vector<std::string> words = {find({cmake != nullptr ? cmake : "cmake"}, "NORMA_CMAKE"),
                                      "-DMAKE_PROGRAM=" + find({"ninja", "make"}, "PATH")};
    if (!options.toolchain.empty()) {
        words.push_back("-DTOOLCHAIN=" + fs::absolute(options.toolchain).string());
        return words;
    }
    // CMake itself reads CC and CXX, which may have options.
    if (std::getenv("CC") == nullptr) {
        words.push_back("-DCMAKE_C_COMPILER=" + find({"cc", "gcc", "clang"}, "CC"));
    }
    if (std::getenv("CXX") == nullptr) {
        words.push_back("-DCMAKE_CXX_COMPILER=" + find({"c++", "g++", "clang++"}, "CXX"));
    }
    return words;
}

}  // namespace

void bundle_library(const Manifest &manifest, const std::vector<TargetFile> &targets, const RecordedKnobs &records,
                    const BundleOptions &options) {
    const fs::path out = (fs::absolute(options.out) / "").lexically_normal().parent_path();
    check_out(out);
    if (options.toolchain.empty() && architecture(targets.front()) != architecture_here()) {
        throw InputError(fmt::format("target {} is for {}, this machine is {}; expected --toolchain for the former",
                                     targets.front().spec.name, architecture(targets.front()), architecture_here()));
    }
    std::vector<std::string> build = build_tools(options);
    make_directory(out.parent_path());
    // Beside its place, so that it can be renamed to it.
    const TemporaryDirectory staging(out);
    std::unique_ptr<TemporaryDirectory> temporary;
    if (options.work.empty()) {
        temporary = std::make_unique<TemporaryDirectory>(fs::temp_directory_path() / "norma-bundle");
    }
    const fs::path work = fs::absolute(temporary ? temporary->path : options.work);
    const FolderLock lock(work, "name another --work");
    const fs::path kernels = work / "kernels";
    compile_library(manifest, targets, records, kernels, options.cache.empty() ? work / "cache" : options.cache,
                    options.limits);
    // An object that has changed under its old name is linked again.
    fs::last_write_time(kernels / "objects.rsp", fs::file_time_type::clock::now());
    build.insert(
        build.end(),
        {"-DKERNELS=" + kernels.string(), "-DBUILD=" + (work / "build").string(),
         "-DPREFIX=" + (staging.path / "bundle").string(), options.shared ? "-DSHARED=ON" : "-DSHARED=OFF",
         fmt::format("-DJOBS={}", options.limits.at_once), "-P", (data_directory() / "cmake/bundle.cmake").string()});
    if (options.toolchain.empty() && fs::exists(tool_object())) {
        build.insert(build.end() - 2, "-DTOOL=" + fs::canonical(tool_object()).string());
    }
    run_program("build the library", build);
    replace(out, staging.path / "bundle", staging.path / "old");
    fmt::print("{}: libnorma.a has {} bytes\n", options.out.string(), fs::file_size(out / "lib/libnorma.a"));
}

}  // namespace norma
