// SPDX-License-Identifier: MIT
// What Halide's runtime calls in the place of dlopen, dlsym and dlerror (runtime/CMakeLists.txt renames them), for
// GPUs' drivers that Norma does not open this way. With them a static link would ask for libdl, and warn.

extern "C" {

void *halide_no_dlopen(const char *, int) { return nullptr; }
void *halide_no_dlsym(void *, const char *) { return nullptr; }
const char *halide_no_dlerror() { return "Norma opens no library for Halide"; }
}
