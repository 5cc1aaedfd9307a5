// SPDX-License-Identifier: MIT
#include "emit_object.h"

#include <stdexcept>

#include "cuda_module.h"
#include "tools/base/files.h"

namespace norma {

CompiledKernel emit_object(const LoweredKernel &kernel, const std::string &path) try {
    CompiledKernel compiled = kernel.compiled;
    Halide::Module module = kernel.module;
    if (!kernel.ptx.empty()) {
        const CudaImage image = make_cuda_image(kernel.ptx, compiled.threads, kernel.sms, path);
        module = with_image(module, image.fatbin);
        write_if_changed(ptx_path(path), image.ptx);
        compiled.resources = image.resources;
    }
    module.compile({{Halide::OutputFileType::object, path}});
    return compiled;
} catch (const Halide::Error &error) {
    throw std::runtime_error(kernel.module.name() + ": " + error.what());
}

std::string ptx_path(const std::string &object_path) { return object_path.substr(0, object_path.rfind('.')) + ".ptx"; }

}  // namespace norma
