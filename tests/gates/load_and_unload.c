// SPDX-License-Identifier: MIT
// load_and_unload TIMES PLUGIN...: opens a plug-in of tests/end_to_end/two_libraries, uses it on threads of the pool
// and closes it, again and again. Each time all of it goes; nothing is left of threads or memory. 0, or 1 with a
// message.
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { warm_up = 50, growth_allowed = 1024 };  // KiB

static long field(const char *name) {
    char line[256];
    long value = -1;
    FILE *file = fopen("/proc/self/status", "r");
    while (file && fgets(line, sizeof line, file)) {
        if (strncmp(line, name, strlen(name)) == 0) {
            value = strtol(line + strlen(name), NULL, 10);
        }
    }
    if (file) {
        fclose(file);
    }
    return value;
}

static int wrong(const char *plugin, const char *what) {
    fprintf(stderr, "%s: %s\n", plugin, what);
    return 1;
}

static int once(const char *plugin) {
    void *handle = dlopen(plugin, RTLD_NOW | RTLD_LOCAL);
    if (!handle) {
        return wrong(plugin, dlerror());
    }
    int (*use)(void) = (int (*)(void))dlsym(handle, "use");
    if (!use || use() != 0) {
        return wrong(plugin, "its use failed");
    }
    dlclose(handle);
    if (dlopen(plugin, RTLD_NOW | RTLD_NOLOAD)) {
        return wrong(plugin, "still there after dlclose");
    }
    return 0;
}

int main(int count, char **words) {
    const int times = atoi(words[1]);
    long before = 0;
    for (int i = 0; i < times + warm_up; i++) {
        if (i == warm_up) {
            before = field("VmRSS:");
        }
        for (int plugin = 2; plugin < count; plugin++) {
            if (once(words[plugin])) {
                return 1;
            }
        }
    }
    // A thread that was joined may be counted for a moment.
    for (int i = 0; i < 100 && field("Threads:") != 1; i++) {
        usleep(1000);
    }
    const long after = field("VmRSS:"), threads = field("Threads:");
    printf("%d times: %ld KiB then %ld KiB, %ld thread\n", times, before, after, threads);
    return after - before > growth_allowed || threads != 1;
}
