// SPDX-License-Identifier: MIT
#include "interpreted.h"

#include <HalideRuntime.h>
#include <dlfcn.h>

#include <vector>

#include "tests/support/catch.h"
#include "tools/base/child.h"
#include "tools/base/temporary_directory.h"

namespace {

norma::test::Interpreted *current = nullptr;

}  // namespace

extern "C" {
int halide_cuda_initialize_kernels(void *, void **, const char *, int) { return 0; }
void halide_cuda_finalize_kernels(void *, void *) {}
const halide_device_interface_t *halide_cuda_device_interface() { return nullptr; }
int halide_copy_to_device(void *, halide_buffer_t *, const halide_device_interface_t *) { return 0; }
int halide_cuda_run(void *, void *, const char *name, int grid_x, int grid_y, int grid_z, int block_x, int block_y,
                    int block_z, int shared_bytes, size_t sizes[], void *given[], int8_t is_buffer[]) {
    std::vector<uint64_t> addresses(64);
    std::vector<const void *> arguments;
    for (size_t i = 0; sizes[i] != 0; i++) {
        arguments.push_back(given[i]);
        if (is_buffer[i] != 0) {
            addresses.at(i) = static_cast<const halide_buffer_t *>(given[i])->device;
            arguments.back() = &addresses[i];
        }
    }
    auto dim = [](int x, int y, int z) { return ptx::Dim3{(unsigned)x, (unsigned)y, (unsigned)z}; };
    try {
        ptx::run(current->module, name, dim(grid_x, grid_y, grid_z), dim(block_x, block_y, block_z),
                 (size_t)shared_bytes, arguments.data(), current->memory);
    } catch (const ptx::Fault &fault) {
        current->failure = fault.what() + std::string(" at line ") + std::to_string(fault.line);
    }
    return 0;
}
}

namespace norma::test {

void launch_on(Interpreted *device) { current = device; }

HostCode load_host_code(const std::string &object, const std::string &symbol) {
    const TemporaryDirectory directory(std::filesystem::temp_directory_path() / "norma_host_code");
    const std::string shared = directory / "kernel.so";
    run_program("link host code", {NORMA_LINKER, "-shared", "-o", shared, object});
    void *library = dlopen(shared.c_str(), RTLD_NOW | RTLD_LOCAL);
    INFO((library != nullptr ? "" : dlerror()));
    REQUIRE(library != nullptr);
    const auto code = (HostCode)dlsym(library, symbol.c_str());
    REQUIRE(code != nullptr);
    return code;
}

}  // namespace norma::test
