// SPDX-License-Identifier: MIT
#include "small_file.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

namespace norma {

void read_small_file(const char *folder, const char *name, char *text, size_t size) {
    text[0] = '\0';
    char path[small_file_path];
    const int needed = snprintf(path, sizeof path, "%s/%s", folder, name);
    const int file = needed < 0 || static_cast<size_t>(needed) >= sizeof path ? -1 : open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) {
        return;
    }
    const ssize_t length = read(file, text, size - 1);
    text[length < 0 ? 0 : length] = '\0';
    close(file);
}

}  // namespace norma
