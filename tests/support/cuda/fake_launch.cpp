// SPDX-License-Identifier: MIT
// Images, and launches of what is in them.
#include <cstdio>
#include <cstdlib>

#include "fake_state.h"
#include "fatbin.h"

namespace fake_cuda {
namespace {

constexpr unsigned cubin_magic = 0x464C457F;  // of ELF

void faulty(State &s, const std::string &where, const char *what) {
    s.fault = what;
    std::fprintf(stderr, "fake CUDA: %s: %s\n", where.c_str(), what);
}

// Of ".target sm_80"; 0 where the text has none.
int least_sm(const char *ptx) {
    const char *target = std::strstr(ptx, ".target sm_");
    return target ? std::atoi(target + std::strlen(".target sm_")) : 0;
}

bool within(const unsigned (&extents)[3], unsigned x, unsigned y, unsigned z) {
    return extents[0] >= 1 && extents[0] <= x && extents[1] >= 1 && extents[1] <= y && extents[2] >= 1 &&
           extents[2] <= z;
}

}  // namespace

int load(State &s, void **module, const void *code) {
    unsigned magic = 0;
    std::memcpy(&magic, code, sizeof(magic));
    const char *text = static_cast<const char *>(code);
    std::vector<Packed> images;
    if (magic == fatbin_magic) {
        images = unpack_fatbin(code);
        s.images.push_back(Image::fatbin);
    } else if (magic == cubin_magic) {
        images = {{false, s.sms[static_cast<size_t>(current->device)], ""}};  // of which device, the fake does not look
        s.images.push_back(Image::cubin);
    } else if (std::strstr(text, ".version") != nullptr) {
        images = {{true, least_sm(text), text}};
        s.images.push_back(Image::ptx);
    } else {
        return invalid_image;
    }
    auto made = std::make_unique<Module>(Module{current->id, {}});
    bool any = false;
    try {
        for (const Packed &image : images) {
            any |= runs_on(image, s.sms[static_cast<size_t>(current->device)]);
            if (image.ptx) {
                made->code = ptx::parse(image.bytes.substr(0, image.bytes.find('\0')));  // of cubins, too: the same
            }
        }
    } catch (const ptx::ParseError &error) {
        return faulty(s, "an image", error.what()), invalid_ptx;
    }
    *module = made.get();
    s.modules.push_back(std::move(made));
    return any ? 0 : no_binary;
}

int get_function(State &s, void **function, void *handle, const char *name) {
    Module *module = known(s.modules, handle);
    if (!module || module->context != current->id) {
        return invalid_handle;
    }
    std::unique_ptr<Function> made(new Function{module, name, {}});
    try {
        made->parameters = module->code ? module->code->entry(name).parameters : std::vector<ptx::Parameter>{};
    } catch (const ptx::Fault &) {
        return not_found;
    }
    *function = made.get();
    s.functions.push_back(std::move(made));
    return 0;
}

int launch(State &s, const Function &function, Stream *stream, Launch &launch, void **arguments) {
    if (function.module->context != current->id || (stream && stream->context != current->id)) {
        return invalid_handle;
    }
    const unsigned threads = launch.block[0] * launch.block[1] * launch.block[2];
    if (!within(launch.grid, 0x7fffffff, 65535, 65535) || !within(launch.block, 1024, 1024, 64) || threads > 1024 ||
        launch.shared_bytes > static_cast<unsigned>(function.most_shared_bytes)) {
        return invalid_value;
    }
    if (stream && stream->capturing) {
        stream->captured++;
    }
    if (!s.recording) {
        return 0;
    }
    launch.kernel = function.name;
    std::vector<const void *> values;
    for (size_t i = 0; i < function.parameters.size(); i++) {
        launch.arguments.emplace_back(static_cast<const char *>(arguments[i]), function.parameters[i].bytes);
        values.push_back(arguments[i]);
    }
    s.launches.push_back(launch);
    if (!function.module->code || (stream && stream->capturing)) {
        return 0;
    }
    try {
        const auto extents = [](const unsigned(&of)[3]) { return ptx::Dim3{of[0], of[1], of[2]}; };
        ptx::run(*function.module->code, launch.kernel, extents(launch.grid), extents(launch.block),
                 launch.shared_bytes, values.data(), s.memory);
        return 0;
    } catch (const ptx::Fault &fault) {
        return faulty(s, launch.kernel, fault.what()), launch_failed;
    }
}

}  // namespace fake_cuda
