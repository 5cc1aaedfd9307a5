// SPDX-License-Identifier: MIT
// A safetensors file: its header alone, and as a whole with the tensors' bytes.
#include "file_of.h"
#include "refused.h"
#include "tools/safetensors/safetensors.h"
#include "tools/safetensors/safetensors_header.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
    norma::fuzz::refused<norma::safetensors::HeaderError>([&] {
        const norma::safetensors::Header header =
            norma::safetensors::parse_header({reinterpret_cast<const char *>(bytes), count});
        norma::safetensors::parse_header(norma::safetensors::write_header(header));
    });
    norma::fuzz::refused<norma::InputError>([&] {
        const norma::safetensors::File file =
            norma::safetensors::read(norma::fuzz::file_of(bytes, count, "x.safetensors"));
        for (const auto &[name, tensor] : file.tensors) {
            if (tensor.bytes.size() > count) {
                __builtin_trap();
            }
        }
    });
    return 0;
}
