// SPDX-License-Identifier: MIT
// load local|global PLUGIN...: opens all, then runs each. Exits with the number of those that fail.
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

int main(int count, char **words) {
    enum { most = 8 };
    const int scope = strcmp(words[1], "global") == 0 ? RTLD_GLOBAL : RTLD_LOCAL;
    void *plugins[most];
    int failed = 0;
    for (int i = 2; i < count && i < most; i++) {
        plugins[i] = dlopen(words[i], RTLD_NOW | scope);
        if (!plugins[i]) {
            fprintf(stderr, "%s\n", dlerror());
            return 1;
        }
    }
    for (int i = 2; i < count && i < most; i++) {
        int (*use)(void) = (int (*)(void))dlsym(plugins[i], "use");
        failed += !use || use() != 0;
    }
    return failed;
}
