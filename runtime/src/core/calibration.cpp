// SPDX-License-Identifier: MIT
#include "calibration.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "errors.h"

namespace norma {
namespace {

constexpr int choice_count = sizeof run_time_choices / sizeof *run_time_choices;
constexpr size_t most_bytes = 4096;
constexpr int64_t version = 1;
constexpr RunTimeChoice version_line = {"norma_calibration", nullptr, version, version};

// By the index in run_time_choices. None of them is below 0.
struct Calibration {
    int64_t given[choice_count] = {-1, -1, -1, -1};
    static_assert(choice_count == 4);
};

// Each member is loaded and stored as a whole: any mixture is a legal choice.
Calibration set;

// Without blanks around it.
char *trimmed(char *text) {
    while (isspace(static_cast<unsigned char>(*text))) {
        text++;
    }
    for (size_t n = strlen(text); n > 0 && isspace(static_cast<unsigned char>(text[n - 1])); n--) {
        text[n - 1] = '\0';
    }
    return text;
}

struct File {
    const char *named_by, *path;

    norma_status refuse(int line, const char *text, const char *expected) const {
        return fail(NORMA_INVALID_ARGUMENT, "%s is \"%s\", whose line %d is \"%.80s\"; expected %s", named_by, path,
                    line, text, expected);
    }
    norma_status refuse(const char *why) const {
        return fail(NORMA_INVALID_ARGUMENT, "%s is \"%s\", %s; expected a file of norma calibrate", named_by, path,
                    why);
    }

    norma_status read(char (&text)[most_bytes + 1]) const {
        const int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        if (file < 0) {
            return refuse("which cannot be opened");
        }
        const ssize_t length = ::read(file, text, sizeof text);
        close(file);
        if (length < 0 || length > static_cast<ssize_t>(most_bytes)) {
            return refuse(length < 0 ? "which cannot be read" : "which is longer than 4096 bytes");
        }
        text[length] = '\0';
        return strlen(text) == static_cast<size_t>(length) ? NORMA_OK : refuse("which is not text");
    }

    // "name = number", with the bounds of `choice`.
    norma_status take(int line, const char *text, const RunTimeChoice &choice, const char *number,
                      int64_t *value) const {
        char *end = nullptr;
        errno = 0;
        *value = strtoll(number, &end, 10);
        return errno == 0 && end != number && *end == '\0' && choice.contains(*value)
                   ? NORMA_OK
                   : fail(NORMA_INVALID_ARGUMENT,
                          "%s is \"%s\", whose line %d is \"%.80s\"; expected a whole number from %lld to %lld",
                          named_by, path, line, text, static_cast<long long>(choice.least),
                          static_cast<long long>(choice.most));
    }

    norma_status parse(Calibration *calibration) const {
        char text[most_bytes + 1];
        norma_status status = read(text);
        bool versioned = false;
        char *next = text;
        for (int number = 1; status == NORMA_OK && next; number++) {
            char *line = next;
            next = strchr(line, '\n');
            if (next) {
                *next++ = '\0';
            }
            line = trimmed(line);
            if (*line != '\0' && *line != '#') {
                status = parse_line(number, line, &versioned, calibration);
            }
        }
        return status || versioned ? status : refuse("which has no line \"norma_calibration = 1\"");
    }

    norma_status parse_line(int line, const char *text, bool *versioned, Calibration *calibration) const {
        char name[most_bytes + 1];
        strcpy(name, text);
        char *equals = strchr(name, '=');
        if (!equals) {
            return refuse(line, text, "name = number");
        }
        *equals = '\0';
        const char *key = trimmed(name), *number = trimmed(equals + 1);
        int64_t value = 0;
        if (!*versioned) {
            *versioned = strcmp(key, version_line.name) == 0;
            return *versioned ? take(line, text, version_line, number, &value)
                              : refuse(line, text, "norma_calibration = 1 first");
        }
        for (int i = 0; i < choice_count; i++) {
            if (strcmp(key, run_time_choices[i].name) == 0) {
                return calibration->given[i] >= 0
                           ? refuse(line, text, "each name once")
                           : take(line, text, run_time_choices[i], number, &calibration->given[i]);
            }
        }
        return refuse(line, text, "streaming_threshold, prefetch_row_min, prefetch_row_max or grain_size");
    }
};

}  // namespace

norma_status calibrate(RunTime *run_time) {
    Calibration calibration;
    bool called = false;
    for (int i = 0; i < choice_count; i++) {
        calibration.given[i] = __atomic_load_n(&set.given[i], __ATOMIC_RELAXED);
        called = called || calibration.given[i] >= 0;
    }
    const char *path = getenv("NORMA_CALIBRATION");
    if (!called && path && *path) {
        const norma_status status = File{"NORMA_CALIBRATION", path}.parse(&calibration);
        if (status != NORMA_OK) {
            return status;
        }
    }
    for (int i = 0; i < choice_count; i++) {
        if (calibration.given[i] >= 0) {
            run_time->*run_time_choices[i].member = calibration.given[i];
        }
    }
    return NORMA_OK;
}

}  // namespace norma

norma_status norma_set_calibration(const char *path) {
    norma::Calibration calibration;
    const norma_status status = path ? norma::File{"path", path}.parse(&calibration) : NORMA_OK;
    for (int i = 0; status == NORMA_OK && i < norma::choice_count; i++) {
        __atomic_store_n(&norma::set.given[i], calibration.given[i], __ATOMIC_RELAXED);
    }
    return status;
}
